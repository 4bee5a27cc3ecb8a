from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("settlement", "0008_person_cause")]
    operations = [
        migrations.AddField("bill", "chrg_bchno", models.CharField(blank=True, max_length=30, verbose_name="收费批次")),
        migrations.AddField("bill", "is_midway", models.BooleanField(default=False, verbose_name="中途结算")),
    ]
