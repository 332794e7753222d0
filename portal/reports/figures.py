"""The pages of results: figures, fade, statistics, loads, conformity, uncertainty."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from typing import Any, Final

import polars as pl

from portal.reports.blocks import Block, Column, Page, Row, Section
from portal.reports.chart import draw_fade
from portal.reports.facts import Facts
from portal.reports.loaded import list_impedance, list_pulses, list_rate, list_resistance
from portal.reports.marks import N_
from portal.reports.numbers import choose_scale, join_parts, write_number, write_quantity, write_scaled, write_span
from portal.reports.uncertainty import COVERAGE, WORDS, combine
from portal.reports.words import RULES, explain_reason, name_code, name_group

# Denser where a fade bends most.
PRINTED_CYCLES: Final = (1, 2, 3, 5, 10, 20, 50, 100, 200, 300, 400, 500, 600, 700, 800, 900)
THOUSAND: Final = 1000
# Quantities of specifications that people write in percent.
FRACTIONS: Final = ("capacity_retention", "coulombic_efficiency", "energy_efficiency", "fade_rate")
# Marks an interval that is of these wafers alone.
OF_WAFERS: Final = "*"
# A hundred thousandth of a capacity.
NEGLIGIBLE: Final = 1e-5
CYCLE_COLUMNS: Final = (
    Column(N_("Cycle"), "cycle", needed=True),
    Column(N_("Class"), "class_word", share=1.3),
    Column(N_("Equivalent full cycles"), "equivalent_full_cycles"),
    Column(N_("Days"), "elapsed_day", unit="d"),
    Column(N_("Charge capacity"), "charging_capacity_ah", unit="Ah"),
    Column(N_("Discharge capacity"), "discharging_capacity_ah", unit="Ah"),
    Column(N_("Capacity retention"), "capacity_retention", unit="%"),
    Column(N_("Coulombic efficiency"), "coulombic_efficiency", unit="%"),
    Column(N_("Energy efficiency"), "energy_efficiency", unit="%"),
)
CELL_COLUMNS: Final = (
    Column(N_("Cell"), "cell_id", share=2.2),
    Column(N_("Cycles"), "cycles"),
    Column(N_("Reference capacity"), "reference_capacity_ah", unit="Ah"),
    Column(N_("Areal capacity"), "areal_capacity_ah_per_square_metre", unit="Ah/m²"),
    Column(N_("Last capacity retention"), "last_capacity_retention", unit="%"),
    Column(N_("Fade rate per cycle"), "fade_rate_per_cycle", unit="%", digits=3),
    Column(N_("Coulombic efficiency"), "coulombic_efficiency_median", unit="%"),
    Column(N_("Cycle life"), "end_of_life", share=1.1),
)
STATISTICS_COLUMNS: Final = (
    Column(N_("Figure"), "figure", share=2.4),
    Column(N_("Unit"), "shown_unit"),
    Column("n", "n", share=0.6),
    Column(N_("of these censored"), "n_censored", share=0.8),
    Column(N_("Median"), "shown_median", share=1.1),
    Column(N_("95 % interval of the median"), "interval", share=1.8, needed=True),
    Column(N_("Quartiles"), "quartiles", share=1.8),
    Column(N_("Smallest to largest"), "range", share=1.8),
)
CONFORMITY_COLUMNS: Final = (
    Column(N_("Cell"), "cell_id", share=2.0),
    Column(N_("Specification"), "named", share=1.6),
    Column(N_("Quantity"), "quantity_word", share=1.6),
    Column(N_("Conditions"), "conditions_words", share=1.8),
    Column(N_("Limits"), "limits", share=1.6),
    Column(N_("Measured"), "measured_words", share=1.4),
    Column(N_("Verdict"), "verdict_word", share=1.0),
    Column(N_("Why not"), "why", share=2.0),
)


def make_results(page: Page, facts: Facts) -> list[Section]:
    """Return the sections of results."""
    return [
        *page.section(N_("Results"), _tell_summary(page, facts), _tell_statistics(page, facts)),
        *page.section(N_("Capacity fade"), _draw_chart(page, facts), _list_cycles(page, facts)),
        *page.section(N_("Rate capability"), list_rate(page, facts)),
        *page.section(N_("Direct-current resistance (DCIR)"), list_resistance(page, facts)),
        *page.section(N_("Pulses"), list_pulses(page, facts)),
        *page.section(N_("Impedance"), list_impedance(page, facts)),
        *page.section(N_("Conformity"), _judge(page, facts)),
        *page.section(N_("Measurement uncertainty"), _tell_uncertainty(page, facts)),
    ]


def _tell_summary(page: Page, facts: Facts) -> list[Block]:
    rows = facts.rows("summary")
    if not facts.is_cell:
        return page.table(page.say("Figures of each cell"), CELL_COLUMNS, rows, most=THOUSAND)
    return [block for row in rows for block in page.pairs(_tell_cell(page, facts, row))]


def _tell_cell(page: Page, facts: Facts, row: Row) -> list[tuple[str, str | Block]]:
    """Return the figures of one cell with what they refer to."""
    say = page.say
    # The last row of the whole life: throughput and days have summed up until there.
    last = facts.tables["cycles"].row(-1, named=True) if facts.tables["cycles"].height else {}
    told = [
        (N_("Complete cycles"), join_parts(row["cycles"], write_quantity(last.get("elapsed_day"), "d", 3))),
        (N_("Capacity of the first complete cycle"), write_quantity(row["first_capacity_ah"], "Ah")),
        (N_("Reference capacity"), _tell_reference(page, facts, row)),
        (N_("Areal capacity"), write_scaled(row["areal_capacity_ah_per_square_metre"], "Ah/m²")),
        (
            N_("Last capacity retention"),
            _join_cycle(page, write_scaled(row["last_capacity_retention"], "%"), row["last_ageing_cycle"]),
        ),
        (N_("Fade rate per cycle"), write_scaled(row["fade_rate_per_cycle"], "%", 3)),
        (N_("Cycle life"), _tell_life(page, row)),
        (N_("Knee point"), _tell_knee(page, row)),
        (N_("Coulombic efficiency"), _tell_efficiency(page, row)),
        (N_("Charge throughput"), write_quantity(last.get("throughput_ah"), "Ah")),
        (N_("Equivalent full cycles"), write_number(last.get("equivalent_full_cycles"))),
    ]
    return [(say(label), value) for label, value in told if value]


def _join_cycle(page: Page, text: str, cycle: int | None) -> str:
    return join_parts(text, page.say("at cycle {cycle}", cycle=cycle)) if text and cycle else text


def _tell_reference(page: Page, facts: Facts, row: Row) -> str:
    if row["reference_status"] != "found":
        return explain_reason(row["reference_status"], "life", page.language)
    value = row["reference_capacity_ah"]
    # Only a whole budget gives an uncertainty; a part of one would look better than it is.
    relative = combine(facts.budget)
    unit, factor = choose_scale([value], "Ah")
    expanded = f" ± {write_number(value * relative * factor, 2)}" if relative else ""
    written = f"{write_number(value * factor)}{expanded} {unit}"
    policy = name_code(row["reference_policy"], page.say)
    return join_parts(_join_cycle(page, written, row["reference_cycle"]), policy)


def _tell_life(page: Page, row: Row) -> str:
    # Without a reference capacity there is no retention, and so no life to speak of.
    if row["end_of_life"] is None:
        return ""
    level = f"{row['end_of_life_threshold'] * 100:g}"
    return page.say("{cycles} cycles to {level} % of the reference capacity", cycles=row["end_of_life"], level=level)


def _tell_knee(page: Page, row: Row) -> str:
    cycle = row["knee_cycle"]
    where = "" if cycle is None else page.say("at cycle {cycle}", cycle=write_number(cycle, 3))
    return join_parts(name_code(row["knee_status"], page.say), where)


def _tell_efficiency(page: Page, row: Row) -> str:
    value = row["coulombic_efficiency_median"]
    if value is None:
        return ""
    floor = row["coulombic_efficiency_floor"]
    if not floor:
        return join_parts(f"{value * 100:.2f} %", page.say("median of the ageing cycles; its error is not known"))
    # Two digits of the floor, and none of the value below them.
    places = max(1 - math.floor(math.log10(floor * 100)), 0)
    return join_parts(
        f"{value * 100:.{places}f} % ± {floor * 100:.{places}f} %",
        page.say("median of the ageing cycles with its largest possible error"),
    )


def _tell_statistics(page: Page, facts: Facts) -> list[Block]:
    blocks: list[Block] = []
    groups = facts.tables["statistics"].partition_by("group", as_dict=True, maintain_order=True)
    for (group,), rows in groups.items():
        caption = page.say("Statistics of like cells: {group}", group=name_group(group, page.say))
        shown = [_describe_figure(page, row) for row in rows.to_dicts()]
        blocks += page.table(caption, STATISTICS_COLUMNS, shown)
        codes = sorted({code for code in rows["interval_reason"] if code})
        reasons = [explain_reason(code, "statistics", page.language) for code in codes]
        if any(str(row["interval"]).endswith(OF_WAFERS) for row in shown):
            reasons.append(page.say("* interval over the cells: it holds for these wafers alone"))
        blocks += page.bullets(reasons)
    return blocks


def _describe_figure(page: Page, row: Row) -> dict[str, Any]:
    unit, factor = choose_scale([row["median"]], row["unit"] or _percent(row["metric"]))
    cycle = "" if row["at_cycle"] is None else f" ({page.say('at cycle {cycle}', cycle=row['at_cycle'])})"
    return {
        **row,
        "figure": name_code(row["metric"], page.say) + cycle,
        "shown_unit": unit,
        "shown_median": _scale(row["median"], factor),
        "interval": _tell_interval(page, row, factor),
        "quartiles": _span(row["lower_quartile"], row["upper_quartile"], factor),
        "range": _span(row["minimum"], row["maximum"], factor),
    }


def _tell_interval(page: Page, row: Row, factor: float) -> str:
    """Write the interval that holds for the process, else the one that holds for these wafers, with its mark."""
    if written := _span(row["median_low"], row["median_high"], factor):
        return written
    # Where not every cell has come so far there is neither.
    of_cells = _span(row["cells_median_low"], row["cells_median_high"], factor)
    return f"{of_cells} {OF_WAFERS}" if of_cells else page.say("none, see below")


def _percent(metric: str) -> str:
    return "" if metric == "end_of_life_cycle" else "%"


def _scale(value: float | None, factor: float) -> str:
    return "" if value is None else write_number(value * factor)


def _span(low: float | None, high: float | None, factor: float) -> str:
    return write_span(_scale(low, factor), _scale(high, factor))


def _draw_chart(page: Page, facts: Facts) -> list[Block]:
    thresholds = facts.tables["summary"]["end_of_life_threshold"].drop_nulls()
    svg = draw_fade(facts.tables["cycles"], thresholds[0] if len(thresholds) else None, page.say)
    alternative = page.say("Capacity retention and coulombic efficiency against the cycle; the table holds the numbers")
    return [{"kind": "chart", "svg": svg, "alt": alternative}] if svg else []


def _list_cycles(page: Page, facts: Facts) -> list[Block]:
    """Return a few cycles of a single cell; all of them are in the workbook."""
    cycles = facts.tables["cycles"]
    if not facts.is_cell or cycles.is_empty():
        return []
    # The cycle that all retentions refer to is printed, wherever it lies.
    references = facts.tables["summary"]["reference_cycle"].drop_nulls().to_list()
    last = int(cycles["cycle"].to_numpy().max())
    wanted = {*PRINTED_CYCLES, *references, last, *range(THOUSAND, last, THOUSAND)}
    rows = cycles.filter(pl.col("cycle").is_in(sorted(wanted))).to_dicts()
    shown = [{**row, "class_word": name_code(row["class"], page.say)} for row in rows]
    return page.table(page.say("Selected cycles; all of them are in the workbook of this report"), CYCLE_COLUMNS, shown)


def _judge(page: Page, facts: Facts) -> list[Block]:
    rows = facts.rows("conformity")
    if not rows:
        return page.text(page.say("No specification of the customer applies: nothing is stated about conformity."))
    # Only rules that a verdict followed: others would be read as if they held here.
    used = [rule for rule in RULES if any(row["decision_rule"] == rule for row in rows)]
    rules = [page.say("Decision rule: {rule}", rule=page.say(RULES[rule])) for rule in used]
    shown = [_describe_verdict(page, row) for row in rows]
    return [*page.table(page.say("Verdicts"), CONFORMITY_COLUMNS, shown), *page.bullets(rules)]


def _describe_verdict(page: Page, row: Row) -> dict[str, Any]:
    unit, factor = choose_scale(
        [row["measured"], row["lower"], row["upper"]], row["unit"] or ("%" if row["quantity"] in FRACTIONS else "")
    )
    # A life that goes on is known to be longer, and is not printed as if it had ended.
    more = "> " if row["censored"] else ""
    measured = "" if row["measured"] is None else f"{more}{_scale(row['measured'], factor)} {unit}".strip()
    return {
        **row,
        "quantity_word": name_code(row["quantity"], page.say),
        "named": f"{row['specification']} ({row['revision']})",
        "conditions_words": ", ".join(
            f"{name} {value}" for name, value in json.loads(row["conditions"] or "{}").items()
        ),
        "limits": f"{_span(row['lower'], row['upper'], factor)} {unit}".strip(),
        "measured_words": measured,
        "verdict_word": name_code(row["verdict"], page.say),
        "why": explain_reason(row["reason"], "conformity", page.language),
    }


def _tell_uncertainty(page: Page, facts: Facts) -> list[Block]:
    say = page.say
    columns: Sequence[Column] = (
        Column(N_("Contribution to the capacity"), "what", share=2.4),
        Column(N_("Relative standard uncertainty"), "part", share=1.4),
        Column(N_("Source"), "who", share=3.2),
    )
    rows = [
        {
            "what": say(WORDS[one.name]),
            "part": _tell_part(page, one.relative),
            "who": say(WORDS[one.source]),
        }
        for one in facts.budget
    ]
    relative = combine(facts.budget)
    if relative is None:
        result = say("Expanded uncertainty: not stated, because not every contribution is known; none was assumed.")
    else:
        result = say(
            "Expanded relative uncertainty of a capacity: U = {value} % (k = {k}, about 95 %).",
            value=write_number(relative * 100, 2),
            k=COVERAGE,
        )
    return [*page.table(say("Uncertainty budget"), columns, rows), *page.text(result)]


def _tell_part(page: Page, relative: float | None) -> str:
    """Write a relative uncertainty as a percentage; what no budget would notice as less than a bound."""
    if relative is None:
        return page.say("not known")
    return f"{write_number(relative * 100, 2)} %" if relative >= NEGLIGIBLE else f"< {NEGLIGIBLE * 100:g} %"
