"""The keys of a pack in Chinese, part one: the pack itself, people, conditions, figures and layers.

A structure is a line "Name 称呼｜说明", its keys follow indented: "key 称呼｜说明｜值=意思；值=意思".
"""

TEXT = """
Pack 政策包｜一个地方的一份政策
  pack 编号｜文件夹名：区划代码加拼音，如 999999-example
  name 名称｜人们怎么称呼这份政策
  area 区划｜六位区划代码，要加引号
  example 示例｜true 表示编造的示例，各处都会标明
  document 文件｜政策文件的名称、发文机关、文号和日期
  in_force 施行期限｜从哪天到哪天，以哪个日期判断
  interpreter 解释机关｜谁负责解释；只有它能决定换读法
  year_of 年度归属｜一次结算属于哪个日期所在的自然年度｜settlement=结算日；discharge=出院日；admission=入院日
  rounding 四舍五入｜到分的方法｜running_total=按累计额，各次之和不差；each_claim=每次单独
  delegated 授权参数｜文件没有写、留给其他文件规定的数；参数名：声明
  readings 释义｜有歧义的句子（I-nn）、现用读法和其他读法
  care 医疗类别｜哪些医疗类别代码算住院、门诊慢特病；其余算其他门诊
  stay_ends 住院到哪天为止｜判断住院期间身份用｜discharge=出院日；settlement=结算日
  windows 追溯窗口｜认定（或申请）以前若干个月；编号：窗口
  identity_rules 身份规则｜身份从哪天算到哪天；每个身份只按最先写到它的一条
  categories 类别｜按从高到低书写；一个人属于他的身份所在的第一个类别
  category_rule 类别变化｜年度内类别变化时｜each_settlement=每次结算按当时的类别；best_of_year=全年按最高的
  uncovered_settlements 没有身份的结算｜是否计入累计｜ignored=不计；counted=计入但不救助
  no_category 无身份条款｜没有身份的人不在范围内，依据哪一条
  diseases 病种｜病种类别和清单
  refusals 不予救助的情形｜文件明文排除的；没有写的不要加
  funds 资金｜钱从哪个口子出
  insurance 保险层｜只在从总额起模拟时使用的保险；写法同救助层
  layers 救助层｜按计算次序书写
  premiums 资助参保｜谁的保费由谁出、出多少
  means_tests 经济状况认定｜通过后可以认定某种身份的条件
  openings 可申请的帮扶｜负担达到某数后可以申请、由人酌情决定的帮扶
  warnings 预警线｜年度负担达到某数就提醒谁
  procedures 办理程序｜一步一步谁做什么
  services 服务｜体检、家庭医生等不是钱的东西；编号为 one_stop 的决定谁在窗口即时结算
  deposit_waivers 先诊疗后付费｜谁免住院押金
  duties 职责｜每项措施的牵头单位和责任单位
  terms 期限和结算｜公示、审批的天数，资金结算日，打包经费
  disease_lists 病种清单｜来自 diseases.csv，不写在这里
  accepted 接受的提醒｜经办人看过并接受的检查提醒
Document 文件｜政策文件
  title 标题｜文件全名
  issuer 发文机关｜谁发的
  number 文号｜没有可不写
  issued 发文日期｜文件上的日期
InForce 施行期限｜政策从哪天到哪天作答，以外一律答“不在施行期限内”
  clause 条款｜依据哪一条
  first 首日｜含当日；也可以是授权参数
  last 末日｜含当日；不写为长期有效
  years 年数｜“试行两年”写 2，与 last 二选一
  readings 释义｜用到的释义
  judged_by 判断日期｜一次结算在不在施行期内看哪一天｜settlement=结算日；discharge=出院日；admission=入院日
  earlier_in_first_year 首年施行前的结算｜是否计入累计｜nothing=不计；counts=计入但不救助
  reach_back_before_first 追溯可早于首日｜追溯窗口能否伸到施行日以前
Delegated 授权参数｜留给其他文件规定的数；没有录入值，用到它的规则就拒绝计算
  clause 条款｜哪一条把它留给别处
  asks 是什么｜一句话说清要录入什么
  left_to 见哪份文件｜到哪里查
  unit 单位｜值的单位｜yuan=金额；percent=比例；day=日期；days=天数；number=数；diagnoses=ICD-10 前缀，分号隔开；text=文字
  optional 可不录入｜true 表示不录入也能计算
Reading 释义｜一句有歧义的话
  clause 条款｜哪些条款里的话
  question 问题｜歧义在哪里
  default 现用读法｜choices 里的一个
  choices 各种读法｜编号：读法
Choice 读法｜一种读法的意思和它改变的地方
  means 意思｜一句话
  set 改变｜“位置: 值”；位置如 layers[inpatient].deductible.per，列表用方括号里的 id，末尾 + 是追加，值为空是删去
CareKinds 医疗类别｜国家字典的代码，两位代表所有以它开头的细分代码
  clause 条款｜依据哪一条
  inpatient 住院｜代码列表
  chronic_outpatient 门诊慢特病｜代码列表
Window 追溯窗口｜认定（申请）日以前若干个月，不含当日，以结算日判断
  clause 条款｜依据哪一条
  name 名称｜如 认定前 6 个月
  identities 身份｜哪些身份的认定打开窗口
  months 月数｜往前多少个月
  before 从哪天往前｜起算日｜certified_on=认定日；applied_on=申请日
  except_last_months 不含最后几个月｜紧靠起算日的这几个月不算
  renewals 续认定也打开｜false 表示续认定不重开
  accompanied_by 同日须有｜同一天另有这些身份之一的记录才打开
  readings 释义｜用到的释义
IdentityRule 身份规则｜身份的起止怎样伸缩
  clause 条款｜依据哪一条
  identities 身份｜身份代码；all 代表其余各类
  readings 释义｜用到的释义
  lasts_until 终止后到｜身份终止后｜end=当天为止；month_end=到当月月底；year_end=到当年年底
  months_after_end 保留月数｜身份终止后待遇再保留几个月
  certified_months 认定有效月数｜每次认定有效几个月
  certified_until 认定有效到｜有效期最后｜day=到对应日前一天；month_end=到那个月月底
  reach_back_months 追溯月数｜自申请日往前几个月也算
  window 追溯窗口｜新认定的另按这个窗口追溯
  per_record 一次认定管多少｜每条身份记录｜window=记录起止期间；first_settlement=只管第一次结算；rest_of_year=管到年底
Category 类别｜身份归成的类别
  id 编号｜别处引用它用的名字
  name 名称｜文件里的称呼
  clause 条款｜依据哪一条
  identities 身份｜属于它的身份代码
Disease 病种｜diseases.csv 的一行
  list 清单｜清单名
  disease 病名｜中文名
  icd10 编码｜ICD-10 前缀，分号隔开
  under_age 年龄以下｜只算未满这个年龄的人
  note 说明｜备注
DiseaseClass 病种类别｜从优到次书写，一个诊断属于最先对上的类别
  id 编号｜别处引用它用的名字
  name 名称｜文件里的称呼
  clause 条款｜依据哪一条
  list 清单｜diseases.csv 里的清单名
  delegated 另定清单｜留给其他文件的清单（授权参数）
Diseases 病种｜怎样由诊断定病种
  clause 条款｜依据哪一条
  readings 释义｜用到的释义
  classes 病种类别｜从优到次
  otherwise 其他｜都对不上的叫什么，通常是 general
  diagnoses 看哪些诊断｜对照清单用｜main=主要诊断；any=任一诊断
Refusal 不予救助｜一种情形
  id 编号｜结果里的代码
  clause 条款｜依据哪一条
  says 怎么说｜告诉本人的话
  when 条件｜什么情形
  readings 释义｜用到的释义
When 条件｜各键同时成立才算；一个键里列几个值是“其中之一”；什么都不写就是总成立
  category 类别｜属于这些类别之一
  identity 身份｜具备这些身份之一
  not_identity 不具备身份｜不具备其中任何一个
  care 医疗大类｜属于其中之一｜inpatient=住院；chronic_outpatient=门诊慢特病；other=其他门诊
  med_type 医疗类别代码｜以这些代码之一开头
  disease 病种类别｜属于这些病种类别之一
  diagnosis 诊断｜主要诊断以这些 ICD-10 前缀之一开头（分号隔开）
  not_diagnosis 诊断不是｜主要诊断不以其中任何一个开头
  hospital 医院等级｜属于其中之一｜primary=一级及以下；secondary=二级；tertiary=三级
  age 年龄｜入院日的周岁
  referral 转诊｜属于其中之一｜local=本地就医；filed=已转诊或备案；unfiled=未按规定
  out_of_province 省外就医｜true 或 false
  cause 致伤原因｜self_harm、fight、drunk、traffic、traffic_no_liability
  registered 户籍｜属于其中之一｜here=本地；elsewhere=外地
  designated 定点机构｜是不是医保定点机构
  assistance_institution 救助定点机构｜是不是医疗救助定点机构
  window 追溯窗口｜在这个窗口内结算
  any_of 其中之一｜这些条件里至少一个成立
AgeRange 年龄段｜满 from 周岁、未满 to 周岁
  from 满几岁｜含
  to 未满几岁｜不含
Figure 由别的数得出的数｜delegated；或者 of 加上 share、times、plus 之一
  delegated 授权参数｜用录入的值
  at_least 不低于｜文件写明的下限；录入更高的用录入值，没有录入用它
  share 份额｜of 的百分之几
  times 倍数｜of 的几倍
  plus 加｜of 加多少（金额、百分点或天）
  of 基数｜哪个数
DatedFigure 分期的数｜从某天起的数；按日期先后列出
  first 起日｜含当日
  value 数｜从这天起的数
FigureRow 一行数额｜对符合 when 的情形；每种情形必须正好有一行
  clause 条款｜依据哪一条
  when 适用于｜条件；不写是本层的全部情形
  first 起日｜这一行从哪天起
  last 止日｜这一行到哪天止
  deductible 起付线｜不写是不设
  deductibles_of_year 全年起付线合计｜各次起付线加起来一年最多多少
  rate 比例｜起付线以上按几成；与 bands 二选一
  bands 分段｜各段的比例
  lumps 定额｜累计满多少给多少
  bring_down 化解｜超过一条线，付到只剩另一条线
  top_up_to 补足到｜补足到总报销比例
  caps 限额｜限额编号：数额；编号要先写在本层的 caps 里
  cap_steps 升档的限额｜限额编号：从累计多少起是多少
  due 支付时间｜与本层不同时才写｜counter=结算时；year_end=次年年初；december=当年年底
Band 一段｜从 from（含）到下一段的 from（不含）
  from 起点｜不写是 0 元
  rate 比例｜这一段的比例
  limit 本段限额｜这一段最多付多少
  less 本段先减｜只在这一段先减去的支付
Lump 定额｜累计满 from 给 amount，满更高档的补差额
  from 满多少｜累计金额
  amount 给多少｜到这一档共给多少
BringDown 化解｜累计超过 trigger 的，付到只剩 target
  trigger 超过｜正好等于的不付
  target 付到只剩｜不高于 trigger
CapStep 升档的限额｜从累计多少起
  from 累计满｜不写是 0 元
  amount 限额｜到这一档的限额
Penalty 扣减｜先从基数里扣掉一个份额（如未经转诊）
  clause 条款｜依据哪一条
  when 条件｜什么情形
  share 扣几成｜基数的百分之几
Base 基数｜这一层看的是哪个负担
  measure 口径｜哪个金额｜in_policy=政策范围内费用；in_catalogue=政策范围内加乙类先行自付；total=医疗费总额；cut=别的层被限额截去的部分
  clause 条款｜依据哪一条
  less 减去谁付的｜不写是减去各类保险、补充商业保险和减免帮扶
  upstream 减去上游救助｜别的办法已付的医疗救助是否先减
  after 减去哪些层付的｜不写是前面所有层
  cut_of 哪一层截去的｜measure 是 cut 时写
  penalties 扣减｜先扣掉的份额；同时符合几项的只按最重的一项
  readings 释义｜用到的释义
DeductibleRule 起付线怎么扣｜金额写在每一行里
  per 期间｜在哪个期间内扣满为止：claim 每次、stay 每次住院、year 自然年度、once 终身、window:编号 追溯窗口
  first_claim_only 只扣第一笔｜第一笔没扣满也不再扣
  waived_if_unreached 到期免扣｜期末仍未扣满的不再扣
  readings 释义｜用到的释义
CapRule 限额怎么算｜金额写在每一行里；几层写同一个编号就是共用
  per 期间｜在哪个期间内累计
  counts 也计入｜别的层付的也占用这个限额
  steps_on 升档依据｜按什么升档｜burden=累计个人负担；counted=起付线以上累计金额
  revives 升档时补付｜以前被截去的部分升档时是否补付
  clause 条款｜依据哪一条
  readings 释义｜用到的释义
Factor 按份额付｜某种状态期间打折
  state 状态｜身份代码，如 declined_basic_service
  share 份额｜1/2 或 50%
  clause 条款｜依据哪一条
  of 打折的是｜应付金额还是比例｜due=应付金额；rate=比例
  judged_on 以哪天判断｜状态是否成立｜settlement_day=结算日；calendar_year=自然年度内有过；any_day_of_stay=就医任一日
  readings 释义｜用到的释义
Layer 救助层｜一种待遇；按书写次序计算
  id 编号｜别处引用它用的名字
  name 名称｜人们怎么称呼
  clause 条款｜依据哪一条
  base 基数｜看哪个负担
  figures 数额｜一行一种情形
  covers 适用范围｜这一层管哪些人、哪些就医
  period 累计期间｜year 自然年度、stay 每次住院、claim 每次、once 终身、window:编号 追溯窗口、application 每次申请
  of 累计单位｜谁的合计｜person=本人；household=全家
  deductible 起付线怎么扣｜期间等
  bands 分段方式｜分段怎么用｜marginal=各段各算；whole=达到哪段全部按哪段
  position 段的位置｜从哪里量｜after_deductible=起付线以上；before_deductible=从零量起
  caps 限额怎么算｜编号：算法
  factor 按份额付｜某种状态期间打折
  due 支付时间｜什么时候付｜counter=结算时；application=依申请；year_end=次年年初；december=当年年底
  fund 资金｜从哪个口子出
  pays 记入｜保险层写 hifp_pay 等；救助层不写
  readings 释义｜用到的释义
"""
