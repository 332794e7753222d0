"""Why a group of replicates has no interval: for every code what it means and what to do, in two languages."""

from __future__ import annotations

from typing import Final

from warehouse.sentences import Sentence

REASONS: Final[dict[str, Sentence]] = {
    "too_few_cells": Sentence(
        "Fewer than six cells have this value: no interval holds their median with 95 % without a distribution.",
        "이 값을 가진 셀이 여섯 개보다 적습니다. 분포를 가정하지 않고는 중앙값의 95 % 신뢰구간을 줄 수 없습니다.",
        "Measure at least six cells of the same kind under the same conditions.",
        "같은 종류의 셀을 같은 조건에서 여섯 개 이상 측정해 주십시오.",
    ),
    "too_few_wafers": Sentence(
        "The cells are of fewer than six wafers; dies of one wafer are no independent evidence about the process.",
        "셀이 여섯 장 미만의 웨이퍼에서 나왔습니다. 한 웨이퍼의 다이들은 공정에 대한 독립적인 증거가 아닙니다.",
        "Read the interval over the cells for these wafers alone, or measure cells of at least six wafers.",
        "이 웨이퍼들에 한정하여 셀 구간을 보시거나, 여섯 장 이상의 웨이퍼에서 셀을 측정해 주십시오.",
    ),
    "not_all_reached": Sentence(
        "Not every cell of the group has reached this cycle; a median of those that did may flatter the group.",
        "그룹의 모든 셀이 이 사이클에 도달하지 않았습니다. 도달한 셀만의 중앙값은 실제보다 좋게 보일 수 있습니다.",
        "Compare at the greatest cycle that all cells reached, or cycle the others on.",
        "모든 셀이 도달한 최대 사이클에서 비교하거나, 나머지 셀의 시험을 계속해 주십시오.",
    ),
}
