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


def evaluate_row(workload, row, series, base):
    scale = row.scale or workload.scale
    values, beside = series[row.way, row.metric], series.get(base)
    value = spread([each / scale for each in values])
    out = {"workload": workload.name, "way": row.way, "metric": row.metric, "unit": row.unit or workload.unit,
           "value": value, "gate": row.gate, "aim": row.aim, "lower_is_better": row.lower}
    if beside:
        out["ratio"] = spread([each / other for each, other in zip(values, beside)])
        out["base"] = " ".join(base).removesuffix(" rate").removeprefix(row.way + " ")
        out["base_value"] = spread([each / scale for each in beside])
    out["reached"] = verdict(row, out.get("ratio", value)["median"])
    counted = series.get((row.way, "instructions"))
    if counted and row.metric == "rate":
        out["instructions_per_packet"] = statistics.median(counted)
    return out


def evaluate(workload, series):
    """One dictionary a row of the workload whose ways were there; `series` is {(way, metric): [a number a round]}."""
    rows = []
    for row in workload.rows:
        base = row.base
        if base and base[0] == "best":
            base = (better_kernel(series), base[1])
        if (row.way, row.metric) in series and (base is None or base in series):
            rows.append(evaluate_row(workload, row, series, base))
    return rows


def number(value):
    if value is None:
        return ""
    return f"{value:.{0 if value >= 100 else 1 if value >= 10 else 2}f}"


def mark(row, name):
    value = row[name]
    return "" if value is None else ("<=" if row["lower_is_better"] else ">=") + f"{value:g}"


LINE = "{:<12} {:<17} {:>7} {:>13} {:<6} {:<9} {:>7}  {:>5} {:>11}  {:>6} {:>6} {:<5} {:>7}".format
HEAD = LINE("workload", "way", "median", "min-max", "unit", "against", "median", "ratio", "min-max", "gate", "aim", "",
            "instr").rstrip()


def show_row(row):
    value = row["value"]
    way = row["way"] if row["metric"] == "rate" else f"{row['way']} {row['metric']}"
    cells = [row["workload"], way, number(value["median"]), f"{number(value['min'])}-{number(value['max'])}",
             row["unit"]]
    if "ratio" in row:
        ratio = row["ratio"]
        cells += [row["base"].replace(f" {row['metric']}", ""), number(row["base_value"]["median"]),
                  f"{ratio['median']:.2f}", f"{ratio['min']:.2f}-{ratio['max']:.2f}"]
    else:
        cells += [""] * 4
    counted = number(row.get("instructions_per_packet"))
    return LINE(*cells, mark(row, "gate"), mark(row, "aim"), row["reached"], counted).rstrip()


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


def cpu_times():
    """(stolen, all) of all CPUs since boot, in ticks: what a hypervisor gave to others while a CPU had work to do, and the
    rest of /proc/stat's times."""
    with open("/proc/stat", encoding="utf-8") as file:
        times = [int(word) for word in file.readline().split()[1:9]]
    return times[7], sum(times)


def stolen_percent(before, after):
    """Of the CPUs' time between two cpu_times()."""
    return 100 * (after[0] - before[0]) / max(after[1] - before[1], 1)


def write_json(path, result):
    with open(path, "w", encoding="utf-8") as file:
        json.dump(result, file, indent=1)
        file.write("\n")
