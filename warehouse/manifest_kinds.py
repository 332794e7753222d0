"""The kinds of manifest and their columns, as data: which header is whose and where each column's values go."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from warehouse import schema
from warehouse.manifest_fields import Field, Kind, fold_header
from warehouse.manifest_values import (
    AREAS,
    CAPACITIES,
    CURRENTS,
    FRACTIONS,
    FREQUENCIES,
    LENGTHS,
    RESISTANCES,
    TEMPERATURES,
    TIMES,
    VOLTAGES,
    one_of,
    read_count,
    read_firm,
    read_moment,
    read_name,
    read_number,
    read_positive_count,
    read_text,
    read_yes,
)
from warehouse.wafers.conditions import gather_conditions
from warehouse.wafers.quantities import name_quantity

# Words of maps and areas, with their other spellings.
NOTCHES: Final = {"down": ("bottom", "아래"), "left": ("왼쪽",), "up": ("top", "위"), "right": ("오른쪽",)}
X_AXES: Final = {"right": ("오른쪽",), "left": ("왼쪽",)}
Y_AXES: Final = {"up": ("위",), "down": ("아래",)}
AREA_KINDS: Final = {"electrode": ("active", "전극"), "die": ("다이",), "package": ("footprint", "패키지")}
AREA_COLUMNS: Final = {
    "electrode": "active_area_square_metre",
    "die": "die_area_square_metre",
    "package": "package_area_square_metre",
}
STATISTICS: Final = {"min": ("minimum", "최소"), "typ": ("typical", "대표"), "max": ("maximum", "최대")}
CONVENTIONS: Final[dict[str, tuple[str, ...]]] = dict.fromkeys(schema.CONVENTIONS, ()) | {
    "half_anode": ("half_anode_vs_li",),
    "half_cathode": ("half_cathode_vs_li",),
}


def kind_of(headers: Sequence[str]) -> Kind | None:
    """Return the kind that a table's header row is of, or None."""
    # Kinds are asked in an order in which the more particular comes first.
    folded = [fold_header(text) for text in headers]
    return next((kind for kind in KINDS if kind.claims(folded)), None)


def _name(
    name: str, en: str, ko: str, target: str = "", also: tuple[str, ...] = (), *, required: bool = False
) -> Field:
    return Field(name, target or name, en, ko, read_name, also, required=required)


def _count(name: str, en: str, ko: str, target: str = "", also: tuple[str, ...] = ()) -> Field:
    return Field(name, target or name, en, ko, read_count, also)


def _quantity(
    name: str,
    en: str,
    ko: str,
    units: Mapping[str, int],
    target: str,
    *also: str,
    usual: str = "",
    plain: tuple[str, ...] = (),
    positive: bool = True,
) -> Field:
    return Field(name, target, en, ko, None, also, units, usual or next(iter(units)), plain, positive)


def _thickness(what: str, ko: str, *also: str) -> Field:
    en, target = f"Thickness of this cell's {what}", f"{what}_thickness_metre"
    return _quantity(f"{what}_thk", en, f"이 셀의 {ko} 두께", LENGTHS, target, f"{what}_thickness", *also, usual="um")


def _condition(
    name: str,
    en: str,
    ko: str,
    units: Mapping[str, int],
    target: str,
    *also: str,
    usual: str = "",
    positive: bool = True,
) -> Field:
    en, ko, target = f"Condition: {en}", f"조건: {ko}", f"condition_{target}"
    return _quantity(name, en, ko, units, target, *also, usual=usual, positive=positive)


FIRM: Final = Field("firm", "firm", "Code of the firm", "회사 코드", read_firm, ("firm_code",), required=True)
REMARKS: Final = Field("remarks", "remarks", "Remarks", "비고", read_text, ("remark", "comment", "비고"))
PROJECT: Final = _name("project", "Project of the firm", "회사의 프로젝트")
LOT: Final = _name("lot", "Lot of wafers", "웨이퍼 로트", also=("lot_id",))
WAFER: Final = _name("wafer", "Wafer within the lot", "로트 안의 웨이퍼", also=("wafer_id",))
CELL: Final = _name(
    "cell_id",
    "The cell's name, unique within its firm",
    "회사 안에서 유일한 셀 이름",
    also=("device_id",),
    required=True,
)

FROM: Final = Field(
    "from",
    "from_unix_second",
    "First moment, the site's wall clock unless it names an offset; '-' for always",
    "시작 시각(시간대가 없으면 현장 시각), '-'는 처음부터",
    read_moment,
    ("begin", "start"),
    required=True,
)
CHANNEL: Final = _name("channel", "Cycler and channel as the files name it", "파일에 적힌 장비와 채널", required=True)

ASSIGNMENTS: Final = Kind(
    "assignments",
    "채널 배정",
    schema.ASSIGNMENT,
    (
        FIRM,
        CELL,
        CHANNEL,
        FROM,
        Field(
            "to",
            "to_unix_second",
            "First moment after; empty while it lasts",
            "끝난 시각, 계속 중이면 비움",
            read_moment,
            ("until", "end"),
        ),
        REMARKS,
    ),
)
CELLS: Final = Kind(
    "cells",
    "셀",
    schema.CELL,
    (
        FIRM,
        PROJECT,
        LOT,
        WAFER,
        _count(
            "die_x",
            "Die column, as the wafer's map counts it; canonical where none is known",
            "웨이퍼 맵의 다이 열 번호",
            "source_die_x",
        ),
        _count("die_y", "Die row, likewise", "웨이퍼 맵의 다이 행 번호", "source_die_y"),
        _count("reticle_x", "Reticle column", "레티클 열 번호"),
        _count("reticle_y", "Reticle row", "레티클 행 번호"),
        CELL,
        Field(
            "convention",
            "convention",
            f"One of {', '.join(schema.CONVENTIONS)}",
            "셀 규약(사이클 순서)",
            one_of(CONVENTIONS),
            ("cell_convention",),
        ),
        _quantity("nominal_capacity", "Nominal capacity", "공칭 용량", CAPACITIES, "nominal_capacity_ah", usual="uah"),
        _quantity(
            "active_area", "Electrode area", "전극(활성) 면적", AREAS, AREA_COLUMNS["electrode"], "electrode_area"
        ),
        _quantity("die_area", "Area of the die", "다이 면적", AREAS, AREA_COLUMNS["die"]),
        _quantity(
            "package_area",
            "Footprint of the package",
            "패키지 면적",
            AREAS,
            AREA_COLUMNS["package"],
            "footprint_area",
        ),
        _quantity(
            "area", "An area whose kind stands in area_kind", "area_kind에 종류를 적은 면적", AREAS, "area_square_metre"
        ),
        Field("area_kind", "area_kind", f"Which area: {', '.join(AREA_KINDS)}", "면적의 종류", one_of(AREA_KINDS)),
        _quantity(
            "voltage_upper",
            "Upper voltage limit",
            "상한 전압",
            VOLTAGES,
            "voltage_upper_volt",
            plain=("v_upper",),
            positive=False,
        ),
        _quantity(
            "voltage_lower",
            "Lower voltage limit",
            "하한 전압",
            VOLTAGES,
            "voltage_lower_volt",
            plain=("v_lower",),
            positive=False,
        ),
        Field("chemistry", "chemistry", "Chemistry, free text", "화학계", read_text),
        _name("stack", "Layer stack", "적층 구조 이름", also=("layer_stack", "stack_name")),
        _name("cathode", "Material of the cathode", "양극 재료"),
        _thickness("cathode", "양극"),
        _name("electrolyte", "Material of the electrolyte", "전해질 재료"),
        _thickness("electrolyte", "전해질", "elec_thk"),
        _name("anode", "Material of the anode", "음극 재료"),
        _thickness("anode", "음극"),
        _name("process_split", "Process split", "공정 조건(스플릿) 이름", also=("split",)),
        REMARKS,
    ),
)
LAYERS: Final = Kind(
    "layers",
    "적층",
    schema.LAYER,
    (
        FIRM,
        _name("stack", "Layer stack", "적층 구조 이름", also=("layer_stack", "stack_name"), required=True),
        Field(
            "layer_number",
            "layer_number",
            "Number of the layer, from 1 at the substrate",
            "기판부터 센 층 번호",
            read_positive_count,
            ("layer", "layer_no"),
            required=True,
        ),
        _name("material", "Material", "재료"),
        _name("role", "What the layer is for", "층의 역할"),
        _quantity("thickness", "Nominal thickness", "공칭 두께", LENGTHS, "thickness_metre", "thk", usual="um"),
        Field("process", "process", "How it is made", "공정", read_text),
        REMARKS,
    ),
)
SPLITS: Final = Kind(
    "splits",
    "공정 조건",
    schema.PROCESS_SPLIT,
    (
        FIRM,
        PROJECT,
        LOT,
        _name(
            "split",
            "Process split, as cells name it",
            "셀 표에 쓰는 스플릿 이름",
            also=("process_split", "split_name"),
            required=True,
        ),
        _name("parameter", "What is varied", "바꾸는 변수", required=True),
        Field("value", "value", "Its value", "값", read_text),
        _name("unit", "Unit of the value", "값의 단위"),
        REMARKS,
    ),
)
WAFERS: Final = Kind(
    "wafers",
    "웨이퍼",
    schema.WAFER,
    (
        FIRM,
        PROJECT,
        LOT,
        _name("wafer", "Wafer within the lot", "로트 안의 웨이퍼", also=("wafer_id",), required=True),
        _quantity("diameter", "Diameter", "지름", LENGTHS, "diameter_metre", "wafer_diameter", usual="mm"),
        Field(
            "notch",
            "notch",
            f"Side of the map that the notch is on: {', '.join(NOTCHES)}",
            "맵에서 노치가 있는 쪽",
            one_of(NOTCHES),
            ("orientation",),
        ),
        Field(
            "x_axis",
            "x_axis",
            "Where die_x grows on the map: right or left",
            "맵에서 die_x가 커지는 방향",
            one_of(X_AXES),
        ),
        Field(
            "y_axis", "y_axis", "Where die_y grows on the map: up or down", "맵에서 die_y가 커지는 방향", one_of(Y_AXES)
        ),
        _count("centre_die_x", "die_x of the die nearest the centre", "중심 다이의 die_x", also=("center_die_x",)),
        _count("centre_die_y", "die_y of the die nearest the centre", "중심 다이의 die_y", also=("center_die_y",)),
        _quantity(
            "die_pitch_x",
            "Distance of neighbouring dies along die_x",
            "die_x 방향 다이 간격",
            LENGTHS,
            "die_pitch_x_metre",
            "pitch_x",
            usual="mm",
        ),
        _quantity(
            "die_pitch_y",
            "Distance of neighbouring dies along die_y",
            "die_y 방향 다이 간격",
            LENGTHS,
            "die_pitch_y_metre",
            "pitch_y",
            usual="mm",
        ),
        _quantity(
            "offset_x",
            "From the wafer's centre to that of the centre die, along die_x",
            "웨이퍼 중심에서 중심 다이까지, die_x 방향",
            LENGTHS,
            "offset_x_metre",
            usual="mm",
            positive=False,
        ),
        _quantity(
            "offset_y",
            "The same along die_y",
            "같은 거리, die_y 방향",
            LENGTHS,
            "offset_y_metre",
            usual="mm",
            positive=False,
        ),
        _quantity(
            "edge_exclusion",
            "Width of the rim on which no die counts",
            "가장자리 제외 폭",
            LENGTHS,
            "edge_exclusion_metre",
            usual="mm",
        ),
        Field(
            "gross_dies",
            "gross_dies",
            "Dies on the wafer, tested or not",
            "웨이퍼의 전체 다이 수",
            read_positive_count,
            ("gross_die",),
        ),
        REMARKS,
    ),
    without=("die_x", "die_y"),
)
PROJECTS: Final = Kind(
    "projects",
    "프로젝트",
    schema.PROJECT,
    (
        FIRM,
        _name("project", "Its name in the manifests", "명세표에 쓰는 이름", required=True),
        _name("name", "What it is called in full", "정식 이름", also=("title", "project_name")),
        REMARKS,
    ),
    without=("wafer", "lot", "die_x", "die_y", "channel"),
)
FIRMS: Final = Kind(
    "firms",
    "회사",
    schema.FIRM,
    (
        Field(
            "code",
            "code",
            "Short code, also the folder's name",
            "폴더 이름이 되는 짧은 코드",
            read_firm,
            ("firm", "firm_code"),
            required=True,
        ),
        _name("name", "The firm's name", "회사 이름", also=("firm_name",), required=True),
    ),
    alone=True,
)
CHANNELS: Final = Kind(
    "channels",
    "채널",
    schema.CHANNEL,
    (
        CHANNEL,
        FROM,
        Field(
            "to",
            "to_unix_second",
            "First moment after; empty until the channel's next row begins",
            "끝난 시각, 같은 채널의 다음 행이 시작할 때까지면 비움",
            read_moment,
            ("until", "end"),
        ),
        _quantity(
            "current_offset",
            "Current that the channel reads where none flows, as calibrated",
            "전류가 흐르지 않을 때 채널이 나타내는 전류(교정값)",
            CURRENTS,
            "current_offset_ampere",
            "offset",
            usual="na",
            positive=False,
        ),
        _quantity(
            "current_accuracy_of_range",
            "Accuracy of the current, as a part of the range",
            "전류 범위에 대한 전류 정확도",
            FRACTIONS,
            "current_accuracy_of_range",
            "accuracy_of_range",
            usual="percent",
        ),
        _quantity("full_scale", "Full scale of the current range", "전류 범위의 최댓값", CURRENTS, "full_scale_ampere"),
        _quantity(
            "input_resistance",
            "Input resistance of the channel's voltmeter",
            "전압계의 입력 저항",
            RESISTANCES,
            "input_resistance_ohm",
            usual="gohm",
        ),
        Field("guard", "guard", "Whether the leads are guarded: yes or no", "가드 사용 여부", read_yes, ("guarded",)),
        REMARKS,
    ),
    # Cyclers' own tables have a channel and a start as well.
    alone=True,
)
SPECS: Final = Kind(
    "specs",
    "규격",
    schema.SPEC_LIMIT,
    (
        FIRM,
        _name(
            "spec", "Name of the specification", "규격서 이름", also=("specification", "규격", "사양"), required=True
        ),
        Field(
            "revision",
            "revision",
            "Revision of the specification, from 1; the latest one counts",
            "규격서의 개정 번호(가장 높은 번호를 적용)",
            read_positive_count,
            ("rev", "개정"),
            required=True,
        ),
        Field(
            "quantity",
            "quantity",
            "What is limited: a quantity of docs/metrics.md, or a test of a wafer map",
            "제한하는 항목",
            lambda text: name_quantity(read_name(text)),
            ("characteristic", "항목"),
            required=True,
        ),
        Field(
            "statistic",
            "statistic",
            "min or max for every cell, typ for the median of all",
            "모든 셀이면 min 또는 max, 중앙값이면 typ",
            one_of(STATISTICS),
        ),
        Field("lower", "lower", "Lower limit, inclusive", "하한값(포함)", read_number, ("lsl", "lower_limit", "하한")),
        Field("upper", "upper", "Upper limit, inclusive", "상한값(포함)", read_number, ("usl", "upper_limit", "상한")),
        Field("unit", "unit", "Unit of the limits", "단위", read_name, ("단위",)),
        Field(
            "cycle", "condition_cycle", "Condition: at this cycle", "조건: 사이클", read_positive_count, ("at_cycle",)
        ),
        _condition("temperature", "temperature", "온도", TEMPERATURES, "temperature_celsius", "temp", positive=False),
        Field("c_rate", "condition_rate_per_hour", "Condition: rate", "조건: C-rate", read_number, ("rate",)),
        _condition("current", "current", "전류", CURRENTS, "current_ampere", usual="ua"),
        _condition(
            "voltage_upper",
            "upper end of the voltage window",
            "상한 전압",
            VOLTAGES,
            "upper_voltage_volt",
            positive=False,
        ),
        _condition(
            "voltage_lower",
            "lower end of the voltage window",
            "하한 전압",
            VOLTAGES,
            "lower_voltage_volt",
            positive=False,
        ),
        _condition("dod", "depth of discharge", "방전 심도", FRACTIONS, "depth_of_discharge", usual="percent"),
        _condition("pulse_width", "time behind the edge of the current", "펄스 폭", TIMES, "pulse_second", usual="ms"),
        _condition(
            "soc", "state of charge", "충전 상태", FRACTIONS, "state_of_charge", usual="percent", positive=False
        ),
        _condition("frequency", "frequency", "주파수", FREQUENCIES, "frequency_hertz", usual="hz"),
        PROJECT,
        _name("stack", "Layer stack that it is for; all where empty", "적용할 적층 구조", also=("layer_stack",)),
        Field("source", "source", "Where the limit is from", "출처", read_text, ("출처",)),
        REMARKS,
    ),
    gather=gather_conditions,
)
# The first that a header row fits is its kind.
KINDS: Final = (ASSIGNMENTS, CELLS, LAYERS, SPECS, SPLITS, WAFERS, PROJECTS, FIRMS, CHANNELS)
# What refers to others is taken after them.
TAKEN: Final = (FIRMS, CHANNELS, PROJECTS, LAYERS, SPECS, SPLITS, WAFERS, CELLS, ASSIGNMENTS)
