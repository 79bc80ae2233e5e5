# SPDX-License-Identifier: Apache-2.0
"""Native histograms, in both versions: well-formed, as many observations as were made, beside the classic ones or instead of them, with exemplars."""
from desk import Desk, shop_truth

NAME = "traces_span_metrics_duration_milliseconds"


class Histograms(Desk):
    def play_native(self, version, histograms):
        r = self.receiver()
        self.play(r, version, metrics={"histograms": histograms})
        self.exact(r)
        counts = {}
        for key, points in r.store.items():
            labels = dict(key)
            if labels["__name__"] == NAME:
                last = [h for _, h in points if not h.stale][-1]
                counts[labels["service_name"]] = counts.get(labels["service_name"], 0) + last.count
                self.assertEqual(points[0][1].count, 0, key)     # the first value, as counters have it
        self.assertEqual(counts, shop_truth()[1]["spans"])
        marked = [s for s in self.all_series(r) if s.histograms and s.exemplars]
        self.assertTrue(marked)
        self.assertTrue(all("trace_id" in dict(e.labels) for s in marked for e in s.exemplars))
        classic = [k for k in r.store if dict(k)["__name__"] == NAME + "_bucket"]
        self.assertEqual(bool(classic), histograms == "both")
        if version == "2.0":
            self.assertTrue(all(h.start_ms for s in self.all_series(r) for h in s.histograms if not h.stale))

    def test_both_1(self):
        """1.0, both kinds: the native ones count what the classic ones count"""
        self.play_native("1.0", "both")

    def test_native_1(self):
        """1.0, native alone: no classic buckets leave"""
        self.play_native("1.0", "native")

    def test_both_2(self):
        """2.0, both kinds, with the time at which each began"""
        self.play_native("2.0", "both")

    def test_native_2(self):
        """2.0, native alone"""
        self.play_native("2.0", "native")
