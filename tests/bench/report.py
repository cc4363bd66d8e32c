# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
"""From the rounds' numbers to rows: medians with min and max, ratios round by round, the table and the JSON."""
import json
import os
import platform
import statistics


def spread(values):
    return {"median": statistics.median(values), "min": min(values), "max": max(values)}


def better_kernel(series):
    """TCP may like outer checksums or not: the kernel's better setting is what counts."""
    return max((name for name in ("kernel", "kernel-csum") if (name, "rate") in series),
               key=lambda name: statistics.median(series[name, "rate"]))


def verdict(row, ratio):
    """Where a median stands beside the row's gate and aim."""
    def reached(mark):
        return ratio <= mark if row.lower else ratio >= mark
    if row.gate is None:
        return ""
    if row.aim is not None and reached(row.aim):
        return "aim"
    return "gate" if reached(row.gate) else "under"


def evaluate(workload, series):
    """One dictionary a row of the workload whose ways were there; `series` is {(way, metric): [a number a round]}."""
    rows = []
    for row in workload.rows:
        base = row.base
        if base and base[0] == "best":
            base = (better_kernel(series), base[1])
        if (row.way, row.metric) not in series or base not in series:
            continue
        values, beside = series[row.way, row.metric], series[base]
        ratio = spread([value / other for value, other in zip(values, beside)])
        scaled = [value / workload.scale for value in values]
        out = {"workload": workload.name, "way": row.way, "metric": row.metric, "unit": workload.unit, "value": spread(scaled),
               "base": " ".join(base).removesuffix(" rate").removeprefix(row.way + " "), "ratio": ratio, "gate": row.gate,
               "aim": row.aim, "lower_is_better": row.lower, "reached": verdict(row, ratio["median"]),
               "base_value": spread([value / workload.scale for value in beside])}
        counted = series.get((row.way, "instructions"))
        if counted and row.metric == "rate":
            out["instructions_per_packet"] = statistics.median(counted)
        rows.append(out)
    return rows


def number(value):
    return "" if value is None else f"{value:.0f}" if value >= 100 else f"{value:.1f}" if value >= 10 else f"{value:.2f}"


def mark(row, name):
    value = row[name]
    return "" if value is None else ("<=" if row["lower_is_better"] else ">=") + f"{value:g}"


LINE = "{:<12} {:<9} {:>7} {:>13} {:<6} {:<11} {:>7}  {:>5} {:>11}  {:>6} {:>6} {:<5} {:>7}".format
HEAD = LINE("workload", "way", "median", "min-max", "unit", "against", "median", "ratio", "min-max", "gate", "aim", "", "instr").rstrip()


def show_row(row):
    value, ratio = row["value"], row["ratio"]
    way = row["way"] if row["metric"] == "rate" else f"{row['way']} {row['metric']}"
    base = row["base"].replace(f" {row['metric']}", "")
    return LINE(row["workload"], way, number(value["median"]), f"{number(value['min'])}-{number(value['max'])}", row["unit"],
                base, number(row["base_value"]["median"]), f"{ratio['median']:.2f}", f"{ratio['min']:.2f}-{ratio['max']:.2f}",
                mark(row, "gate"), mark(row, "aim"), row["reached"], number(row.get("instructions_per_packet"))).rstrip()


def show(rows):
    print(HEAD)
    last = None
    for row in rows:
        if last not in (None, row["workload"]):
            print()
        last = row["workload"]
        print(show_row(row))


def machine():
    model = platform.machine()
    with open("/proc/cpuinfo", encoding="utf-8") as file:
        model = next((line.split(":")[1].strip() for line in file if line.startswith("model name")), model)
    return {"kernel": platform.release(), "cpus": os.cpu_count(), "cpu": model}


def write_json(path, result):
    with open(path, "w", encoding="utf-8") as file:
        json.dump(result, file, indent=1)
        file.write("\n")
