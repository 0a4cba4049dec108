"""Figures, bars, and the two files they end in."""

import json
import os
import platform
import statistics
import subprocess
import time


class Figures:
    def __init__(self):
        self.all = {}
        self.bars = []
        self.notes = []
        self.part = None
        self.parts = []
        self.commit = commit()

    def begin(self, part):
        """What follows belongs to PART."""
        self.part = part
        self.parts.append(part)

    def _origin(self):
        return {"part": self.part, "at": now(), "commit": self.commit}

    def add(self, part, name, unit, runs):
        """A figure of several runs; gives its median."""
        runs = [float(run) for run in runs]
        self.all[f"{part}: {name}"] = {
            "unit": unit, "median": statistics.median(runs), "min": min(runs), "max": max(runs), "runs": runs,
            **self._origin(),
        }  # fmt: skip
        figure = self.all[f"{part}: {name}"]
        print(f"  {name:66} {figure['median']:>12.4g} {unit:8} ({figure['min']:.4g} to {figure['max']:.4g})", flush=True)
        return figure["median"]

    def bar(self, name, value, bar, holds):
        self.bars.append({"name": name, "value": value, "bar": bar, "holds": bool(holds), **self._origin()})
        print(f"  {'holds' if holds else 'FAILS'}: {name}: {value:.4g} (bar: {bar})", flush=True)

    def note(self, text):
        note = {"part": self.part, "text": text}
        if note not in self.notes:
            self.notes.append(note)
            print(f"  note: {text}", flush=True)

    def _stays(self, part):
        return part not in self.parts

    def write(self, folder, merge):
        """MERGE: what other parts have found stays, with its time and its commit."""
        path = os.path.join(folder, "results.json")
        old = {}
        if merge and os.path.exists(path):
            with open(path) as file:
                old = json.load(file)
        names = {bar["name"] for bar in self.bars}
        result = {
            "machine": machine(),
            "figures": {
                **{name: figure for name, figure in old.get("figures", {}).items() if self._stays(figure.get("part") or first_word(name))},
                **self.all,
            },
            "bars": [bar for bar in old.get("bars", []) if bar["name"] not in names and self._stays(bar.get("part"))] + self.bars,
            "notes": [note for note in old.get("notes", []) if isinstance(note, dict) and self._stays(note["part"])] + self.notes,
        }
        with open(path, "w") as file:
            json.dump(result, file, indent=1, ensure_ascii=False)
            file.write("\n")
        with open(os.path.join(folder, "results.md"), "w") as file:
            file.write(markdown(result))


def now():
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())


def commit():
    """That of the tree, with a + when the tree differs; what is measured is no difference."""
    here = os.path.dirname(os.path.abspath(__file__))
    head = subprocess.run(["git", "rev-parse", "--short", "HEAD"], cwd=here, capture_output=True, text=True, check=False)
    if head.returncode != 0:
        return "–"
    same = subprocess.run(["git", "diff", "--quiet", "HEAD", "--", ":/", ":!results.json", ":!results.md"], cwd=here, check=False)
    return head.stdout.strip() + ("+" if same.returncode != 0 else "")


def first_word(name):
    """The part of a figure from before figures told it."""
    word = name.split(":")[0]
    return "growth" if word == "fan-out" else word


def origin(thing):
    return f"{thing.get('at', '–')} | {thing.get('commit', '–')}"


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
        f"By `scripts/bench` on {host['cores']} cores of {host['cpu']}, {host['memory_mib']} MiB, Linux {host['kernel']}. "
        "Client, web server and responder share the cores: ratios count, not absolute figures.",
        "",
        "The *trivial responder* (`bench/trivial.c`) is the least that a FastCGI program can do: it reads the body and gives a fixed "
        "reply of 300 bytes. The *floor* is what it costs behind the same nginx and the same load; Pomona is measured beside it, "
        "in turn with it, so that what is more is Pomona's own share. A *bar* is what a figure has to reach; the first table says "
        "whether it does. Each figure tells when it was measured, and at which commit (+: with changes that were not committed).",
        "",
        "| bar | wanted | measured | holds | at | commit |",
        "|---|---|---|---|---|---|",
    ]
    lines += [f"| {bar['name']} | {bar['bar']} | {bar['value']:.4g} | {'yes' if bar['holds'] else '**no**'} | {origin(bar)} |"
              for bar in result["bars"]]  # fmt: skip
    lines += ["", "| figure | median | least | most | unit | runs | at | commit |", "|---|---|---|---|---|---|---|---|"]
    lines += [
        f"| {name} | {figure['median']:.5g} | {figure['min']:.5g} | {figure['max']:.5g} | {figure['unit']} | {len(figure['runs'])} | "
        f"{origin(figure)} |"
        for name, figure in result["figures"].items()
    ]
    if result["notes"]:
        lines += ["", *[f"* {note['text']}" for note in result["notes"]]]
    return "\n".join(lines) + "\n"
