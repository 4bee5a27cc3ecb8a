#!/bin/sh
# A synthetic county, settled under one pack, summarised, one bill explained. Everything is written under the folder given.
set -eu
out=${1:-demo/batch}
bin=${BIN:-.venv/bin}
pack=${PACK:-610900-ankang}
people=${PEOPLE:-2000}

echo "== 1 合成一个县：$people 人，政策包 $pack（全部为虚构数据）"
"$bin/tuodi" synth --pack "$pack" --sample-values --people "$people" --seed 1 --out "$out"
set -- --pack "$pack" --settlements "$out/settlements.csv" --identities "$out/identities.csv" --sample-values
echo
echo "== 2 批量核算"
"$bin/tuodi" adjudicate "$@" --out "$out/entries.csv"
setl_id=$("$bin/python" - "$out/entries.csv" <<'PY'
import csv, sys
rows = [row for row in csv.DictReader(open(sys.argv[1], encoding="utf-8-sig")) if not row["refusal"]]
print(max(rows, key=lambda row: int(row["pay"].replace(".", "")))["setl_id"])
PY
)
echo
echo "== 3 解释其中救助最多的一笔（$setl_id）"
"$bin/tuodi" explain "$@" "$setl_id" --svg "$out/$setl_id.svg"
echo
echo "文件在 $out/：settlements.csv identities.csv entries.csv $setl_id.svg"
echo "接着可以：$bin/tuodi pack show $pack；$bin/tuodi replay ${*} --reading-b I-04=stay；$bin/tuodi --help"
