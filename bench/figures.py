"""Figures, bars, and the two files they end in."""

import json
import os
import platform
import statistics
import time


class Figures:
    def __init__(self):
        self.all = {}
        self.bars = []
        self.notes = []

    def add(self, part, name, unit, runs):
        """A figure of several runs; gives its median."""
        runs = [float(run) for run in runs]
        self.all[f"{part}: {name}"] = {
            "unit": unit, "median": statistics.median(runs), "min": min(runs), "max": max(runs), "runs": runs,
        }  # fmt: skip
        figure = self.all[f"{part}: {name}"]
        print(f"  {name:66} {figure['median']:>12.4g} {unit:8} ({figure['min']:.4g} to {figure['max']:.4g})", flush=True)
        return figure["median"]

    def bar(self, name, value, bar, holds):
        self.bars.append({"name": name, "value": value, "bar": bar, "holds": bool(holds)})
        print(f"  {'holds' if holds else 'FAILS'}: {name}: {value:.4g} (bar: {bar})", flush=True)

    def note(self, text):
        if text not in self.notes:
            self.notes.append(text)
            print(f"  note: {text}", flush=True)

    def write(self, folder, merge):
        """MERGE: what other parts have found stays."""
        path = os.path.join(folder, "results.json")
        old = {}
        if merge and os.path.exists(path):
            with open(path) as file:
                old = json.load(file)
        names = {bar["name"] for bar in self.bars}
        result = {
            "machine": machine(),
            "at": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
            "figures": {**old.get("figures", {}), **self.all},
            "bars": [bar for bar in old.get("bars", []) if bar["name"] not in names] + self.bars,
            "notes": sorted({*old.get("notes", []), *self.notes}),
        }
        with open(path, "w") as file:
            json.dump(result, file, indent=1, ensure_ascii=False)
            file.write("\n")
        with open(os.path.join(folder, "results.md"), "w") as file:
            file.write(markdown(result))


def machine():
    with open("/proc/cpuinfo") as file:
        model = next((line.split(":")[1].strip() for line in file if line.startswith("model name")), platform.machine())
    with open("/proc/meminfo") as file:
        memory = int(file.readline().split()[1]) // 1024
    return {"cpu": model, "cores": os.cpu_count(), "memory_mib": memory, "kernel": platform.release()}


def markdown(result):
    host = result["machine"]
    lines = [
        "# Measured",
        "",
        f"By `scripts/bench` on {host['cores']} cores of {host['cpu']}, {host['memory_mib']} MiB, Linux {host['kernel']}, at "
        f"{result['at']}. Client, web server and responder share the cores: ratios count, not absolute figures.",
        "",
        "| bar | wanted | measured | holds |",
        "|---|---|---|---|",
    ]
    lines += [f"| {bar['name']} | {bar['bar']} | {bar['value']:.4g} | {'yes' if bar['holds'] else '**no**'} |" for bar in result["bars"]]
    lines += ["", "| figure | median | least | most | unit | runs |", "|---|---|---|---|---|---|"]
    lines += [
        f"| {name} | {figure['median']:.5g} | {figure['min']:.5g} | {figure['max']:.5g} | {figure['unit']} | {len(figure['runs'])} |"
        for name, figure in result["figures"].items()
    ]
    if result["notes"]:
        lines += ["", *[f"* {note}" for note in result["notes"]]]
    return "\n".join(lines) + "\n"
