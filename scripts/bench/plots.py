#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""scripts/bench/plots.py plots BENCH.JSON DIRECTORY
scripts/bench/plots.py ratios BENCH.JSON
scripts/bench/plots.py check BENCH.JSON BASELINE

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
set grid x y
set key outside top center horizontal
set rmargin 8
"""
# 10k and 1M instead of many zeros.
SHORT = '"%.0s%c"'


def draw(path, title, commands, height=480):
    script = FRAME.format(path=path, title=title, height=height) + commands
    subprocess.run(["gnuplot"], input=script, text=True, check=True)


def block(name, lines):
    """Data in gnuplot's own form, for a command to plot."""
    return "\n".join([f"${name} << EOD", *lines, "EOD"]) + "\n"


def dots(path, title, unit, table, columns, rows):
    """A line for each row with a dot for each column, on a logarithmic scale, which has no
    zero for a bar to begin at. The dots of a row stand below each other."""
    data, plots = "", []
    for i, column in enumerate(columns):
        data += block(f"d{i}", [f"{table[row][column]} {y + (i + 1) / (len(columns) + 1) - 0.5}"
                                for y, row in enumerate(rows) if table[row].get(column, 0) > 0])
        plots.append(f'$d{i} using 1:2 with points pt {(7, 5, 9)[i]} ps 0.7 title "{column}"')
    tics = ", ".join(f'"{row}" {y}' for y, row in enumerate(rows))
    lines = "".join(f"set arrow from graph 0, first {y - 0.5} to graph 1, first {y - 0.5} "
                    "nohead lc 'gray80'\n" for y in range(1, len(rows)))
    draw(path, title, data + f"""
{lines}
set logscale x
set format x "%g"
set xlabel "{unit}"
set ytics ({tics}) scale 0
set yrange [{len(rows) - 0.5}:-0.5]
set grid x noy
plot {", ".join(plots)}
""", height=130 + 24 * len(rows))


def curves(path, title, unit, size, series, scale="xy"):
    """Lines over a size, on logarithmic scales: {name: [(x, y), ...]}. One that lies on
    another is seen through its open marks."""
    data, plots = "", []
    for i, (name, points) in enumerate(series.items()):
        data += block(f"d{i}", [f"{x} {y}" for x, y in points])
        plots.append(f'$d{i} using 1:2 with linespoints pt {(4, 6, 8, 10, 12, 1, 2)[i % 7]} '
                     f'ps {1.4 - 0.15 * i:.2f} dt {i + 1} lw 1.5 title "{name}"')
    draw(path, title, data + f"""
set logscale {scale}
set format x {SHORT}
set format y {SHORT}
{"set yrange [0:*]" if "y" not in scale else ""}
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
                           "pages per millisecond of real time", words, series)
    table = tables.get("map", {})
    rows = [row for row in table if "read again" in table[row] and "munmap" in table[row]]
    if rows:
        dots(f"{directory}/map.svg", "a new mapping of memory that is there: reading, writing, unmapping all of it",
             f"{unit} per 4K", table, ["read again", "write again", "munmap"], rows)
    rows = [row for row in table if "fresh write" in table[row]]
    if rows:
        dots(f"{directory}/fresh.svg", "new memory: making the object, mapping it, the first write to each page",
             f"{unit} per 4K", table, ["create", "mmap", "fresh write"], rows)
    series = {kind: data for kind, data in points(tables.get("dirty", {}), "in all", "x 4K").items()
              if kind.endswith("1024M")}
    if series:
        curves(f"{directory}/dirty.svg", "which pages of 1 GiB were written to: asking once, for all", unit,
               "pages that were written to", series)
    for word, title in (("mappings", "mapping an object once more, and touching one page"),
                        ("objects", "making one more object")):
        series = points(tables.get("scale", {}), "make", word)
        if series:
            curves(f"{directory}/{word}.svg", title, f"{unit} each", f"{word} that are there", series, "x")


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
    print("# of memory: the baseline of make bench-check, written by scripts/bench/run --record.")
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
            print(f"{name}: is not in {baseline}: scripts/bench/run --record")
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
