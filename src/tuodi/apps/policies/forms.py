"""What offices fill in about policies: which pack, which readings, which figure from which document; uploads are checked here."""

from __future__ import annotations

from typing import Any

from django import forms
from django.core.files.uploadedfile import UploadedFile

from tuodi.base.doors import day_field
from tuodi.batch.packs import pack_of, shelf
from tuodi.core.policy.model import Delegated

#: Bytes of a file that is taken in: the largest pack on the shelf has a tenth of it.
LARGEST_FILE = 512 * 1024
YAML_NAMES, CSV_NAMES = (".yaml", ".yml"), (".csv",)
UNITS = {
    "yuan": "元，写成 660.00", "percent": "百分比，写成 60%", "day": "日期，写成 2025-12-31", "days": "天数，整数", "number": "整数",
    "diagnoses": "诊断编码，几个之间用半角分号隔开，写成 C34;N18.5", "text": "文字",
}  # fmt: skip


def text_of(upload: UploadedFile, names: tuple[str, ...]) -> str:
    """Return the text of an uploaded file; ``ValidationError`` if it is of another type, too large, or no text in UTF-8."""
    name = str(upload.name or "")
    if not name.lower().endswith(names):
        raise forms.ValidationError(f"“{name[:60]}”不是 {'、'.join(names)} 文件。")
    if (upload.size or 0) > LARGEST_FILE:
        raise forms.ValidationError(f"文件有 {(upload.size or 0) // 1024} KB，超过 {LARGEST_FILE // 1024} KB。")
    if not upload.size:
        raise forms.ValidationError("文件是空的。")
    try:
        text = bytes(upload.read()).decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise forms.ValidationError(
            f"文件不是 UTF-8 编码（第 {error.start + 1} 个字节），请用 UTF-8 另存后再传。"
        ) from None
    if "\x00" in text:
        raise forms.ValidationError("文件不是文本文件。")
    return as_sent(text)


def as_sent(text: str) -> str:
    """Return a text with the line ends that packs have, whatever a browser made of them."""
    return text.replace("\r\n", "\n").replace("\r", "\n")


class ChoosePackForm(forms.Form):
    """Which pack is proposed: one of the shelf, or a text of one's own."""

    pack = forms.ChoiceField(label="架上的政策包", required=False)
    policy = forms.FileField(
        label="自己的 policy.yaml", required=False, widget=forms.FileInput({"accept": ".yaml,.yml"})
    )
    diseases = forms.FileField(
        label="病种清单 diseases.csv", required=False, widget=forms.FileInput({"accept": ".csv"})
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        packs = [(name, f"{pack_of(name).name}（{name}）") for name in shelf()]
        self.fields["pack"].choices = [("", "请选择"), *packs]  # type: ignore[attr-defined]

    def clean_policy(self) -> str:
        upload = self.cleaned_data.get("policy")
        return text_of(upload, YAML_NAMES) if upload else ""

    def clean_diseases(self) -> str:
        upload = self.cleaned_data.get("diseases")
        return text_of(upload, CSV_NAMES) if upload else ""

    def clean(self) -> dict[str, Any]:
        data: dict[str, Any] = super().clean() or {}
        if not self.errors:
            if bool(data.get("pack")) == bool(data.get("policy")):
                raise forms.ValidationError("请选择架上的政策包，或上传 policy.yaml，二者选一。")
            if data.get("diseases") and not data.get("policy"):
                raise forms.ValidationError("病种清单随自己的 policy.yaml 一起上传；架上的政策包自带清单。")
        return data


class ProposeForm(forms.Form):
    """How a pack is proposed: for which area, from which day."""

    area_code = forms.RegexField(
        r"^[0-9]{6}$", label="适用区划", error_messages={"invalid": "区划是六位数字。"}, help_text="六位区划代码，含其下级",
    )  # fmt: skip
    first = day_field("启用日期", help_text="这一天起的结算按它计算")
    note = forms.CharField(label="说明", max_length=400, required=False, widget=forms.Textarea({"rows": 2}))
    interpreter = forms.CharField(
        label="解释机关", max_length=200, required=False, widget=forms.TextInput({"autocomplete": "off"})
    )
    interpreter_document = forms.CharField(
        label="解释机关的决定", max_length=200, required=False, widget=forms.TextInput({"autocomplete": "off"}),
        help_text="文号或日期，例如 医保函〔2026〕1号",
    )  # fmt: skip


class ValueForm(forms.Form):
    """A figure from another document."""

    qualifier = forms.RegexField(
        r"^([0-9]{6}(\.(urban|rural))?|urban|rural)$", label="只用于", required=False,
        error_messages={"invalid": "写成区划（610902）、区划加城乡（610902.urban、610902.rural），或只写 urban、rural。"},
        help_text="不填为全辖区；某区县自己的数写区划，如 610902，分城乡的写 610902.urban 或 610902.rural",
    )  # fmt: skip
    value = forms.CharField(label="数值", max_length=400, widget=forms.TextInput({"autocomplete": "off"}))
    first = day_field("自哪天起", required=False, help_text="不填为一直适用；文件有施行日期的请填写")
    source = forms.CharField(
        label="来源文件", max_length=200, required=False, widget=forms.TextInput({"autocomplete": "off"}),
        help_text="示例值以外必填：文件名称、文号和条款，例如《……通知》（医保发〔2026〕1号）第三条",
    )  # fmt: skip
    is_sample = forms.BooleanField(
        label="示例值", required=False, help_text="还没查到文件、只为试算时勾选；处处会标明“示例”，直到换成正式数值"
    )

    def __init__(self, *args: Any, declared: Delegated, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["value"].help_text = UNITS[declared.unit]


class ReasonForm(forms.Form):
    """Why something is refused or withdrawn."""

    reason = forms.CharField(label="理由", max_length=400, widget=forms.Textarea({"rows": 3}))
