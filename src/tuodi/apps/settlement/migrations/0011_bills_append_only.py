"""A bill is kept as it was received; what the database lets be noted is that it was cancelled or reversed.

A bill is reversed for good. It is cancelled by a cancellation of the same person that stands, once at a time: another may follow
only when the one before was itself reversed.
"""

from django.db import migrations

from tuodi.base.triggers import append_only

COLUMNS = [
    "id", "setl_id", "mdtrt_id", "chrg_bchno", "is_midway", "psn_no", "fixmedins_code", "msgid", "insutype", "clr_type", "clr_optins",
    "med_type", "begndate", "enddate", "setl_time", "diag_code", "disease_class", "refer_stas", "out_prov", "cause", "hosp_lv",
    "designated", "assistance_designated", "medfee_sumamt", "fulamt_ownpay_amt", "overlmt_selfpay", "preselfpay_amt",
    "inscp_scp_amt", "hifp_pay", "cvlserv_pay", "hifes_pay", "hifmi_pay", "hifob_pay", "oth_pay", "supp_pay", "relief_amt", "maf_pay",
    "later_aid_amt", "acct_pay", "hosp_part_amt", "recorded_at", "cancelled_by_id", "is_cancellation", "is_reversed",
]  # fmt: skip
CANCELS = (
    "EXISTS (SELECT 1 FROM settlement_bill c WHERE c.id = NEW.cancelled_by_id AND c.is_cancellation "
    "AND NOT c.is_reversed AND c.psn_no = NEW.psn_no)"
)
WAS_REVERSED = "EXISTS (SELECT 1 FROM settlement_bill c WHERE c.id = OLD.cancelled_by_id AND c.is_reversed)"
UNLAWFUL = f"""(OLD.is_reversed AND NOT NEW.is_reversed)
OR (OLD.cancelled_by_id IS NULL AND NEW.cancelled_by_id IS NOT NULL AND (OLD.is_cancellation OR OLD.is_reversed OR NOT {CANCELS}))
OR (OLD.cancelled_by_id IS NOT NULL AND NEW.cancelled_by_id IS NULL AND NOT {WAS_REVERSED})
OR (OLD.cancelled_by_id <> NEW.cancelled_by_id)"""
SAYS = "settlement_bill is cancelled once and reversed for good"
WHEN = "BEFORE UPDATE OF cancelled_by_id, is_reversed ON settlement_bill"


def guard(apps, schema_editor):
    if schema_editor.connection.vendor == "postgresql":
        schema_editor.execute(
            "CREATE OR REPLACE FUNCTION settlement_bill_gone() RETURNS trigger LANGUAGE plpgsql AS "
            f"$$ BEGIN IF {UNLAWFUL} THEN RAISE EXCEPTION '{SAYS}'; END IF; RETURN NEW; END $$"
        )
        schema_editor.execute(
            f"CREATE TRIGGER settlement_bill_gone {WHEN} FOR EACH ROW EXECUTE FUNCTION settlement_bill_gone()"
        )
    else:
        schema_editor.execute(
            f"CREATE TRIGGER settlement_bill_gone {WHEN} WHEN {UNLAWFUL} BEGIN SELECT RAISE(ABORT, '{SAYS}'); END"
        )


def unguard(apps, schema_editor):
    on = " ON settlement_bill" if schema_editor.connection.vendor == "postgresql" else ""
    schema_editor.execute(f"DROP TRIGGER IF EXISTS settlement_bill_gone{on}")


class Migration(migrations.Migration):
    """A later change of this table on SQLite may make it anew and must put the triggers back."""

    dependencies = [("settlement", "0010_fund_area")]
    operations = [
        append_only("settlement_bill", columns=COLUMNS, may_set=("cancelled_by_id", "is_reversed")),
        migrations.RunPython(guard, unguard),
    ]
