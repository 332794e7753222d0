"""Why a figure of a wafer, a limit or a split is missing: for every code what it means and what to do."""

from __future__ import annotations

from typing import Final

from warehouse.sentences import Sentence

# A condition that a limit states, in English and Korean.
CONDITION_WORDS: Final = {
    "cycle": ("cycle", "사이클"),
    "temperature_celsius": ("temperature", "온도"),
    "rate_per_hour": ("rate", "C-rate"),
    "current_ampere": ("current", "전류"),
    "upper_voltage_volt": ("upper end of the voltage window", "상한 전압"),
    "lower_voltage_volt": ("lower end of the voltage window", "하한 전압"),
    "depth_of_discharge": ("depth of discharge", "방전 심도"),
    "pulse_second": ("time behind the edge of the current", "펄스 시간"),
    "state_of_charge": ("state of charge", "충전 상태"),
    "frequency_hertz": ("frequency", "주파수"),
}

REASONS: Final[dict[str, Sentence]] = {
    "not_measured": Sentence(
        "The quantity was not measured under the conditions of the limit.",
        "규격의 조건에서 해당 항목을 측정하지 않았습니다.",
        "Run the test that the limit asks for.",
        "규격이 요구하는 시험을 실시해 주십시오.",
    ),
    "still_running": Sentence(
        "The cell has not come that far yet: what it will be is not known.",
        "셀이 아직 그 시점에 이르지 않아 결과를 알 수 없습니다.",
        "Wait, or look at the survival curve, which takes such cells for what they are.",
        "기다리거나, 이런 셀까지 고려하는 생존 곡선을 확인해 주십시오.",
    ),
    "no_limits": Sentence(
        "No specification that sorts dies applies here.",
        "다이를 선별할 규격이 없습니다.",
        "Import the specification's limits as a manifest.",
        "규격의 제한값을 명세표로 등록해 주십시오.",
    ),
    "limits_not_tested": Sentence(
        "The die was measured, but none of the limits that sort dies was tested.",
        "다이를 측정했지만 선별에 쓰는 제한값은 시험하지 않았습니다.",
        "Measure what the limits are on, under their conditions.",
        "제한값이 정한 항목을 그 조건에서 측정해 주십시오.",
    ),
    "too_few_cells": Sentence(
        "Too few cells for the interval of a median.",
        "중앙값의 신뢰 구간을 구하기에는 셀이 너무 적습니다.",
        "Measure six cells or more.",
        "여섯 개 이상의 셀을 측정해 주십시오.",
    ),
    "interval_across_limit": Sentence(
        "The interval of the median reaches across the limit.",
        "중앙값의 신뢰 구간이 제한값에 걸쳐 있습니다.",
        "Measure more cells to decide.",
        "판정하려면 셀을 더 측정해 주십시오.",
    ),
    "too_few_dies": Sentence(
        "Too few working dies with a value on the wafer.",
        "웨이퍼에서 값이 있는 정상 다이가 너무 적습니다.",
        "Measure more dies, spread over the wafer.",
        "웨이퍼 전체에 걸쳐 더 많은 다이를 측정해 주십시오.",
    ),
    "no_pitch": Sentence(
        "The distance of the dies is not known, so that their places are not.",
        "다이 간격을 몰라 다이의 위치를 알 수 없습니다.",
        "Give the wafer's pitch and diameter in the manifest of wafers.",
        "웨이퍼 명세표에 다이 간격과 지름을 적어 주십시오.",
    ),
    "dies_in_line": Sentence(
        "The measured dies lie on one line or circle, which does not tell a bowl from a plane.",
        "측정한 다이가 한 직선이나 원 위에 있어 형상을 구별할 수 없습니다.",
        "Measure dies at the centre and in all directions.",
        "중심과 모든 방향의 다이를 측정해 주십시오.",
    ),
    "one_wafer": Sentence(
        "All cells are of one wafer: nothing tells how wafers differ.",
        "모든 셀이 한 웨이퍼에서 나와 웨이퍼 사이의 차이를 알 수 없습니다.",
        "Measure a second wafer; more dies of the same one do not help.",
        "다른 웨이퍼를 측정해 주십시오. 같은 웨이퍼의 다이를 늘려도 도움이 되지 않습니다.",
    ),
    "one_lot": Sentence(
        "All wafers are of one lot: nothing tells how lots differ.",
        "모든 웨이퍼가 한 로트에서 나와 로트 사이의 차이를 알 수 없습니다.",
        "Measure wafers of a second lot.",
        "다른 로트의 웨이퍼를 측정해 주십시오.",
    ),
    "too_few_wafers": Sentence(
        "No lot has two wafers, so that lots and wafers cannot be told apart.",
        "웨이퍼가 둘 이상인 로트가 없어 로트와 웨이퍼를 구별할 수 없습니다.",
        "Measure two wafers of a lot.",
        "한 로트에서 웨이퍼 두 장을 측정해 주십시오.",
    ),
    "one_die_a_wafer": Sentence(
        "No wafer has two measured dies, so that wafers and dies cannot be told apart.",
        "측정한 다이가 둘 이상인 웨이퍼가 없어 웨이퍼와 다이를 구별할 수 없습니다.",
        "Measure several dies of each wafer.",
        "웨이퍼마다 여러 다이를 측정해 주십시오.",
    ),
    "no_scatter": Sentence(
        "All dies of a wafer have the very same value.",
        "한 웨이퍼의 모든 다이 값이 똑같습니다.",
        "Check whether the values are measured ones.",
        "측정한 값이 맞는지 확인해 주십시오.",
    ),
    "one_split": Sentence(
        "Only one of the two splits has cells on wafers.",
        "두 조건 중 하나만 웨이퍼에 셀이 있습니다.",
        "Name lot and wafer of the cells in the manifest.",
        "명세표에 셀의 로트와 웨이퍼를 적어 주십시오.",
    ),
    "pseudoreplication": Sentence(
        "A split is on fewer than two wafers: its dies share one wafer's fate and are no replicates of the split.",
        "한 조건이 두 장 미만의 웨이퍼에만 있습니다. 같은 웨이퍼의 다이는 조건의 반복이 아닙니다.",
        "Process each split on two wafers or more, better four.",
        "조건마다 두 장 이상, 가능하면 네 장의 웨이퍼를 처리해 주십시오.",
    ),
    "confounded_with_lot": Sentence(
        "Each split is on a lot of its own: its effect cannot be told from that of the lot.",
        "조건마다 로트가 달라 조건의 효과와 로트의 차이를 구별할 수 없습니다.",
        "Process both splits in the same lot, or each in two lots or more.",
        "두 조건을 같은 로트에서 처리하거나, 조건마다 두 로트 이상을 처리해 주십시오.",
    ),
    "no_wafer": Sentence(
        "Some cells have no wafer in the manifest, so that nobody knows which belong together.",
        "명세표에 웨이퍼가 없는 셀이 있어 어느 셀이 같은 웨이퍼인지 알 수 없습니다.",
        "Name lot and wafer of every cell.",
        "모든 셀의 로트와 웨이퍼를 적어 주십시오.",
    ),
    **{
        f"{name}_unknown": Sentence(
            f"The quantity was measured, but nothing says at which {english}; that is never assumed.",
            f"측정했지만 어떤 조건({korean})이었는지 알 수 없습니다. 조건은 추측하지 않습니다.",
            "State the condition in the test or its manifest, or limit without it.",
            "시험이나 명세표에 조건을 적거나, 그 조건이 없는 규격을 써 주십시오.",
        )
        for name, (english, korean) in CONDITION_WORDS.items()
    },
}
