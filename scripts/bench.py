#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""scripts/bench.py plots BENCH.JSON DIRECTORY
scripts/bench.py ratios BENCH.JSON
scripts/bench.py check BENCH.JSON BASELINE

What is made of the figures of tools/bench: plots (by gnuplot, as SVG), the ratios
to memfd and hugetlbfs as a table, and whether one of these is worse than in a
table of another day.
"""
import json
import subprocess
import sys

TOLERANCE = 0.03
# By how much of itself a figure is another the next time: a tick of the clock, more or less.
NOISE = 0.0002

FRAME = """
set terminal svg noenhanced size 960,{height} font 'sans,12' background 'white'
set output '{path}'
set title "{title}"
set grid y
set key outside top center horizontal
set rmargin 8
"""


def draw(path, title, commands, height=480):
    script = FRAME.format(path=path, title=title, height=height) + commands
    subprocess.run(["gnuplot"], input=script, text=True, check=True)


def block(name, lines):
    """Data in gnuplot's own form, for a command to plot."""
    return "\n".join([f"${name} << EOD", *lines, "EOD"]) + "\n"


def bars(path, title, unit, table, columns, rows):
    """A group of bars for each row, on a logarithmic scale."""
    lines = []
    for row in rows:
        cells = [str(max(table[row][c], 0.01)) if c in table[row] else "NaN" for c in columns]
        lines.append("\t".join([f'"{row}"', *cells]))
    plots = ", ".join(f'$data using {i + 2}:xtic(1) title "{c}"' for i, c in enumerate(columns))
    draw(path, title, block("data", lines) + f"""
set style data histogram
set style fill solid noborder
set logscale y
set ylabel "{unit}"
set xtics rotate by -55
set rmargin 14
plot {plots}
""", height=640)


def curves(path, title, unit, size, series):
    """Lines over a size, both on a logarithmic scale: {name: [(x, y), ...]}."""
    data, plots = "", []
    for i, (name, points) in enumerate(series.items()):
        data += block(f"d{i}", [f"{x} {y}" for x, y in points])
        plots.append(f'$d{i} using 1:2 with linespoints pt 7 ps 0.6 lw 2 title "{name}"')
    draw(path, title, data + f"""
set logscale xy
set format "%.0f"
set xlabel "{size}"
set ylabel "{unit}"
plot {", ".join(plots)}
""")


def points(table, column, word):
    """{kind: [(number, value)]} of rows "KIND, NUMBER WORD"."""
    series = {}
    for row, cells in table.items():
        kind, _, rest = row.rpartition(", ")
        number, _, what = rest.partition(" ")
        if what.startswith(word) and column in cells:
            series.setdefault(kind, []).append((int(number), cells[column]))
    return series


def plots(bench, directory):
    unit, tables = bench["unit"], bench["tables"]
    if unit == "ns" and "threads" in tables:
        for word, words in ("thread", "threads"), ("process", "processes"):
            for column in "fresh", "again":
                series = points(tables["threads"], column, word)
                if series:
                    curves(f"{directory}/{word}-{column}.svg", f"faults of several {words} at a time: {column}",
                           "pages in a millisecond of real time", words, series)
    table = tables.get("map", {})
    rows = [row for row in table if "read again" in table[row] and "munmap" in table[row]]
    if rows:
        bars(f"{directory}/map.svg", "touching mapped memory for the first time, and unmapping it",
             f"{unit} per 4K", table, ["read again", "write again", "munmap"], rows)
    rows = [row for row in table if "fresh write" in table[row]]
    if rows:
        bars(f"{directory}/fresh.svg", "getting memory, mapping it, and writing to it for the first time",
             f"{unit} per 4K", table, ["create", "mmap", "fresh write"], rows)
    series = {kind: data for kind, data in points(tables.get("dirty", {}), "in all", "x 4K").items()
              if kind.endswith("1024M")}
    if series:
        curves(f"{directory}/dirty.svg", "collecting the dirty log of 1 GiB", unit,
               "pages that were written to", series)
    series = points(tables.get("scale", {}), "make", "mappings")
    for kind, data in points(tables.get("scale", {}), "make", "objects").items():
        series[f"{kind}: making an object"] = data
    if series:
        curves(f"{directory}/scale.svg", "mapping once more, and touching; making an object",
               f"{unit} each", "mappings of one object; objects", series)


def ratios(bench):
    """{(table, row, column, peer): (ratio, noise)}; where memory is zeroed, that is taken off."""
    found = {}
    tables = bench["tables"]
    zeroing = tables["map"]["zeroing, 2M at a time"]["fresh write"]

    def less(value):
        return value - zeroing if value > zeroing else value

    def add(name, row, column, peer, peer_column, part):
        value, other = tables[name][row][column], tables[name][peer][peer_column]
        found[name, row, column, peer] = (part(value) / part(other), NOISE * value / part(other))

    for row in tables["map"]:
        if row.startswith("mapdev"):
            for peer in "memfd 4K", "hugetlbfs":
                for column in "mmap", "fresh write", "read again", "write again", "munmap":
                    add("map", row, column, peer, column, less)
            # Peers have created nothing before they are written to.
            add("map", row, "create", "memfd 4K", "fresh write", lambda value: value)
    for row in tables["copy"]:
        if row.startswith("mapdev"):
            for column in "fresh write", "read", "write":
                add("copy", row, column, "tmpfs 4K", column, less)
    return found


def print_ratios(bench):
    print("# SPDX-License-Identifier: GPL-2.0")
    print("# What mapping costs, over what it costs with memfd and hugetlbfs, without the zeroing")
    print("# of memory: the baseline of make bench-check, written by scripts/bench --record.")
    print("#")
    print("# table\trow\tcolumn\tover\tratio")
    for key, (ratio, _) in ratios(bench).items():
        print(*key, f"{ratio:.5g}", sep="\t")


def check(bench, baseline):
    now, before = ratios(bench), {}
    with open(baseline, encoding="utf-8") as rows:
        for row in rows:
            if row.strip() and not row.startswith("#"):
                *key, ratio = row.rstrip("\n").split("\t")
                before[tuple(key)] = float(ratio)
    worse = 0
    for key in sorted(before.keys() | now.keys()):
        name = "{0}: {1}: {2} / {3}".format(*key)
        if key not in now:
            print(f"{name}: was not measured")
        elif key not in before:
            print(f"{name}: is not in {baseline}: scripts/bench --record")
        elif now[key][0] > before[key] * (1 + TOLERANCE) + now[key][1]:
            print(f"{name}: {now[key][0]:.5g}, was {before[key]:.5g}")
        else:
            continue
        worse += 1
    print(f"{len(now)} ratios to memfd and hugetlbfs, {worse} worse")
    return worse


def main(command, path, *rest):
    with open(path, encoding="utf-8") as file:
        bench = json.load(file)
    if command == "plots":
        plots(bench, *rest)
    elif command == "ratios":
        print_ratios(bench)
    else:
        return check(bench, *rest) > 0
    return 0


sys.exit(main(*sys.argv[1:]))
