# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
"""What the bench makes of its numbers, without measuring any: ratios, marks, the picture, and what ends it."""
import os
import sys
import types
import unittest
import xml.etree.ElementTree

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "netns"))

from netns import Failure  # noqa: E402
import bench  # noqa: E402
import plot  # noqa: E402
import report  # noqa: E402
from workloads import Row, Workload, WORKLOADS  # noqa: E402


def workload(rows, measure=None):
    return Workload("udp", "frames", "kpps", 1e3, measure, rows, ("kernel", "tc"))


def way(name):
    return types.SimpleNamespace(name=name)


class Rows(unittest.TestCase):
    def test_a_ratio_is_that_of_one_round(self):
        series = {("tc", "rate"): [2000, 600, 4000], ("kernel", "rate"): [1000, 200, 4000]}
        row, = report.evaluate(workload([Row("tc", ("kernel", "rate"), 1.5, 2.5)]), series)
        self.assertEqual(row["ratio"], {"median": 2.0, "min": 1.0, "max": 3.0})
        self.assertEqual(row["value"]["median"], 2.0)  # of the rates, in thousands
        self.assertEqual(row["reached"], "gate")

    def test_tcp_is_held_against_the_better_of_the_kernels_settings(self):
        series = {("tc", "rate"): [6, 6, 6], ("kernel", "rate"): [2, 2, 9], ("kernel-csum", "rate"): [3, 3, 3]}
        row, = report.evaluate(workload([Row("tc", ("best", "rate"), 2.5, 2.6)]), series)
        self.assertEqual((row["base"], row["ratio"]["median"], row["reached"]), ("kernel-csum", 2.0, "under"))

    def test_lower_is_better_for_times(self):
        series = {("tc", "p50"): [8], ("kernel", "p50"): [10]}
        row, = report.evaluate(workload([Row("tc", ("kernel", "p50"), 0.88, 0.80, "p50", True)]), series)
        self.assertEqual(row["reached"], "aim")

    def test_a_row_without_base_is_held_against_its_own_number(self):
        row, = report.evaluate(workload([Row("tc", None, 5, None, "cli", True, "s", 1)]), {("tc", "cli"): [5.5]})
        self.assertEqual((row["reached"], "ratio" in row), ("under", False))

    def test_a_way_that_is_not_there_has_no_row(self):
        self.assertEqual(report.evaluate(workload([Row("xdp", ("kernel", "rate"))]), {("kernel", "rate"): [1]}), [])


class Stolen(unittest.TestCase):
    def test_is_a_share_of_all_the_cpus_time(self):
        self.assertEqual(report.stolen_percent((10, 1000), (35, 1100)), 25.0)
        self.assertEqual(report.stolen_percent((10, 1000), (10, 1000)), 0.0)

    def test_is_part_of_the_time_that_the_kernel_counts(self):
        stolen, everything = report.cpu_times()
        self.assertLessEqual(stolen, everything)
        self.assertGreater(everything, 0)


class Rounds(unittest.TestCase):
    def test_every_other_round_goes_backwards(self):
        order = []

        def measure(_, one):
            order.append(one.name)
            return {"rate": 1}
        bench.measure(workload([], measure), [way("kernel"), way("tc")], None, 3)
        self.assertEqual(order, ["kernel", "tc", "tc", "kernel", "kernel", "tc"])

    def test_no_traffic_is_a_failure_that_names_workload_and_way(self):
        with self.assertRaisesRegex(Failure, "udp: tc passes no traffic"):
            measure = workload([], lambda _, one: {"rate": int(one.name != "tc")})
            bench.measure(measure, [way("kernel"), way("tc")], None, 1)


class Picture(unittest.TestCase):
    def test_has_a_bar_and_the_marks_of_every_row_inside_the_frame(self):
        rows = [row for each in WORKLOADS for row in report.evaluate(each, self.numbers(each))]
        result = {"rows": rows, "rounds": 2, "machine": {"cpus": 2, "cpu": "<one & two>", "kernel": "6.1"}}
        root = xml.etree.ElementTree.fromstring(plot.draw(result))
        drawn = [row for row in rows if "ratio" in row]
        svg = "{http://www.w3.org/2000/svg}"
        bars = [each for each in root.iter(svg + "rect") if each.get("fill") in plot.COLOURS.values()]
        self.assertEqual(len(bars) - 3, len(drawn))  # three are the legend's
        marks = [each for each in root.iter(svg + "line") if each.get("stroke") in (plot.GATE, plot.AIM)]
        self.assertEqual(len(marks) - 2, sum(bool(row[name]) for row in drawn for name in ("gate", "aim")))
        for bar in bars:
            self.assertLessEqual(float(bar.get("x")) + float(bar.get("width")), plot.WIDTH)

    @staticmethod
    def numbers(each):
        metrics = {(row.way, row.metric) for row in each.rows} | {row.base for row in each.rows if row.base}
        metrics |= {("kernel", "rate"), ("kernel-csum", "rate")}
        return {key: [1.0, 2.0] for key in metrics}


if __name__ == "__main__":
    unittest.main()
