"""What can be wrong with an exchange file, declared in the one list of errors.

A code says which part of the reading found it: ``E-FILE`` the file as a whole, ``E-CSV`` and ``E-PARQUET`` its form,
``E-COLUMN`` the first row, ``E-VALUE``/``E-AMOUNT``/``E-DAY``/``E-CERT`` one cell, ``E-SETL``/``E-ID``/``E-INST`` a row
or several rows of one kind of file. No sentence here repeats a citizen number; cells reach a fault through
:func:`tuodi.batch.diagnosis.shown`, which masks them.
"""

from __future__ import annotations

from tuodi.core.errors import declare

#: Faults kept as objects for one file; all are counted.
MAX_FAULTS = 10_000

FILE_MISSING = declare("E-FILE-MISSING", "读不到这个文件：{reason}", "请核对路径和读取权限")
FILE_EMPTY = declare("E-FILE-EMPTY", "文件是空的，连列名一行也没有", "请重新导出；没有数据时也要保留列名一行")
FILE_KIND = declare(
    "E-FILE-KIND",
    "这是{kind}，不是 {wanted} 文件",
    "请在表格软件中另存为“CSV UTF-8（逗号分隔）”，或导出为 Parquet，再重新读入",
)
FILE_ENCODING = declare(
    "E-FILE-ENCODING",
    "文件的编码是{found}，只能读 UTF-8 和 GB 18030",
    "请在表格软件中另存为“CSV UTF-8（逗号分隔）”",
)
FILE_BYTES = declare(
    "E-FILE-BYTES",
    "这一格有按 {encoding} 读不出的字节（显示为“�”），内容已经损坏",
    "请从来源系统重新导出这一行；不要把两种编码的文件拼在一起",
)
FILE_NEWLINES = declare(
    "E-FILE-NEWLINES",
    "从这里起 {megabytes} MB 内没有换行，不像一张表（或行尾只用回车，不用换行）",
    "请重新导出为 CSV，行尾用换行（LF）或回车换行（CRLF）",
)
FAULTS_MORE = declare(
    "E-FAULTS-MORE", "还有 {count} 处错误没有逐一列出（最多列 {kept} 处）", "请先改正已列出的，再读一次"
)

CSV_DELIMITER = declare("E-CSV-DELIMITER", "第一行像是用{found}分列的，不是英文逗号", "请另存为用英文逗号分列的 CSV")
CSV_FIELDS = declare(
    "E-CSV-FIELDS",
    "这一行有 {found} 个字段，列名有 {wanted} 个",
    "请看是否漏了或多了逗号；内容里有逗号的格子要用英文双引号括起来",
)
CSV_QUOTE = declare(
    "E-CSV-QUOTE",
    "英文双引号不成对，第 {first} 行到第 {last} 行被连成了一行",
    "请补上缺的那个双引号；内容里的双引号要写成两个",
)
CSV_BROKEN = declare("E-CSV-BROKEN", "从这一行起的一段内容拆不成表格：{reason}", "请从来源系统重新导出，不要手工拼接")

PARQUET_BROKEN = declare(
    "E-PARQUET-BROKEN", "Parquet 文件不完整或已损坏：{reason}", "请重新导出或重新传输，并核对文件大小"
)
PARQUET_TYPE = declare("E-PARQUET-TYPE", "{title}的类型是 {found}，应为 {wanted}", "请在导出时转换成所要的类型")
PARQUET_FLOAT = declare(
    "E-PARQUET-FLOAT",
    "金额列{title}的类型是 {found}，二进制浮点数不能准确表示分",
    "请在来源处导出为 decimal128(18,2)，或导出以分为单位的 int64 并把列名改为 {name}_fen；不要四舍五入后再转换",
)

COLUMN_MISSING = declare("E-COLUMN-MISSING", "{title}缺少必需的列：{names}", "请补上这些列；列名须与交换格式一致")
COLUMN_UNKNOWN = declare(
    "E-COLUMN-UNKNOWN", "{title}没有“{name}”这一列{hint}", "请改正列名；自己备注用的列，列名请以 x_ 开头"
)
COLUMN_UNNAMED = declare(
    "E-COLUMN-UNNAMED", "第 {places} 列没有列名", "请删去多余的空列（常见于行尾多出的逗号），或补上列名"
)
COLUMN_REPEATED = declare("E-COLUMN-REPEATED", "“{name}”出现在第 {places} 列，重复了", "请只保留其中正确的一列")

VALUE_EMPTY = declare("E-VALUE-EMPTY", "{title}不能为空", "请补上")
VALUE_ID = declare("E-VALUE-ID", "{title}含有编号里不该有的字符“{found}”", "请删去空格、引号、全角符号等，只留编号本身")
VALUE_ID_EXCEL = declare(
    "E-VALUE-ID-EXCEL",
    "{title}被表格软件改成了科学计数，后面的数字已经丢失",
    "请从来源系统重新导出，打开时把这一列设为文本；不能按显示的数字补回",
)
VALUE_CODE = declare("E-VALUE-CODE", "{title}不在代码表内", "可用的取值是：{allowed}")
VALUE_FLAG = declare("E-VALUE-FLAG", "{title}只能是 0 或 1", "请改为 0（否）或 1（是）")
VALUE_MED_TYPE = declare(
    "E-VALUE-MED-TYPE",
    "{title}不是国家医疗类别代码，也不是以它开头的 4 位或 6 位地方代码",
    "请按医保信息平台的医疗类别代码填写，如 11 普通门诊、21 普通住院",
)
VALUE_DIAGNOSIS = declare(
    "E-VALUE-DIAGNOSIS",
    "{title}不像疾病诊断编码（ICD-10 医保版）",
    "应以一个大写字母和两位数字开头，如 C34.900x001、I10.x00；请填编码，不填病名",
)

AMOUNT_DECIMALS = declare(
    "E-AMOUNT-DECIMALS", "{title}的小数多于两位", "金额以元为单位，精确到分；请到来源处核对，不要自行四舍五入"
)
AMOUNT_WIDTH = declare("E-AMOUNT-WIDTH", "{title}用了全角数字或全角符号", "请改用半角，如 12.50")
AMOUNT_COMMA = declare("E-AMOUNT-COMMA", "{title}带有千位分隔的逗号", "请去掉逗号，如 1,234.50 写成 1234.50")
AMOUNT_NEGATIVE = declare(
    "E-AMOUNT-NEGATIVE",
    "{title}是负数",
    "请填不小于 0 的金额；退费请用 refd_setl_flag 为 1 的行冲销原结算，不用负数",
)
AMOUNT_EXPONENT = declare(
    "E-AMOUNT-EXPONENT", "{title}写成了科学计数", "请从来源系统重新导出，写出全部数字，如 12000.00"
)
AMOUNT_SPACE = declare("E-AMOUNT-SPACE", "{title}里有空格", "请删去空格")
AMOUNT_SIZE = declare(
    "E-AMOUNT-SIZE", "{title}大于等于 10 亿元，整数部分超过 9 位", "请核对是否多写了数字，或单位不是元"
)
AMOUNT_TEXT = declare(
    "E-AMOUNT-TEXT",
    "{title}不是金额",
    "请只写数字和一个小数点，最多两位小数，如 12.50；不写货币符号、单位和正号",
)

DAY_FORMAT = declare("E-DAY-FORMAT", "{title}不是“年-月-日”的写法", "请写成 2026-03-05 这样的 10 个字符")
DAY_REAL = declare("E-DAY-REAL", "{title}在日历上不存在", "请核对月和日")
DAY_RANGE = declare("E-DAY-RANGE", "{title}早于 1900 年", "请核对年份")
INSTANT_FORMAT = declare(
    "E-INSTANT-FORMAT", "{title}不是“年-月-日 时:分:秒”的写法", "请写成 2026-03-05 14:07:30 这样的 19 个字符"
)
INSTANT_REAL = declare("E-INSTANT-REAL", "{title}不是真实的日期和时刻", "请核对日期；时为 00 至 23，分、秒为 00 至 59")

CERT_FORM = declare("E-CERT-FORM", "公民身份号码应为 18 位数字，末位可以是 X", "请核对证件；15 位旧号码请换成 18 位")
CERT_DATE = declare("E-CERT-DATE", "公民身份号码第 7 至 14 位不是真实的日期", "请核对证件，多半是抄错了一位")
CERT_DIGIT = declare("E-CERT-DIGIT", "公民身份号码的末位校验码不对", "请核对证件，多半是抄错或颠倒了数字")

SETL_SUM = declare(
    "E-SETL-SUM",
    "医疗费总额 {total} 元不等于四项之和 {parts} 元（全自费 {own}、超限价 {over}、先行自付 {pre}、符合范围 {inside}），"
    "相差 {difference} 元",
    "请核对医保结算单的五个金额",
)
SETL_DATES = declare("E-SETL-DATES", "出院日期 {end} 早于入院日期 {begin}", "请核对医院回传的两个日期")
SETL_TIME = declare(
    "E-SETL-TIME",
    "结算时间 {time} 早于入院（就诊）日期 {begin}",
    "请核对结算时间和入院日期，看是否填反了年份或月份",
)
SETL_REPEATED = declare(
    "E-SETL-REPEATED",
    "结算号 {setl_id} 在第 {first} 行已经有了",
    "若是同一笔，请删去一行；若要冲销，冲销行的 refd_setl_flag 应为 1；若是两笔，请核对结算号",
)
SETL_CANCEL_REPEATED = declare(
    "E-SETL-CANCEL-REPEATED",
    "结算号 {setl_id} 在第 {first} 行已经冲销过",
    "一笔结算只能冲销一次，请删去多余的一行",
)
SETL_CANCEL_UNKNOWN = declare(
    "E-SETL-CANCEL-UNKNOWN",
    "要冲销的结算 {setl_id} 不在这个文件里",
    "请把被冲销的那一笔放进同一个文件，或核对结算号",
)
SETL_CANCEL_PERSON = declare(
    "E-SETL-CANCEL-PERSON",
    "冲销结算 {setl_id} 的人员编号与第 {first} 行原结算的不同",
    "冲销行的结算号和人员编号都要与原结算一致，请核对",
)

ID_PERIOD = declare("E-ID-PERIOD", "{identity}的终止日期 {end} 早于起始日期 {begin}", "请核对认定文书上的两个日期")
ID_OVERLAP = declare(
    "E-ID-OVERLAP",
    "第 {first} 行和第 {second} 行是同一个人的{identity}，日期重叠（{first_period} 与 {second_period}）",
    "请改成前后相接的两段，或合并为一行",
)
ID_DUPLICATE = declare("E-ID-DUPLICATE", "这一行与第 {first} 行完全相同", "请删去重复的一行")

INST_REPEATED = declare(
    "E-INST-REPEATED", "机构编码 {institution} 在第 {first} 行已经有了", "一个机构只留一行，请合并或删去"
)
INST_PERIOD = declare("E-INST-PERIOD", "暂停服务的终止日期 {end} 早于起始日期 {begin}", "请核对暂停服务的两个日期")
