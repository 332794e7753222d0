"""Why a requirement has no verdict: for every code what it means and what to do, in two languages."""

from __future__ import annotations

from typing import Final

from warehouse.sentences import Sentence

REASONS: Final[dict[str, Sentence]] = {
    "no_such_test": Sentence(
        "The quantity was not measured on this cell.",
        "이 셀에서는 해당 항목을 측정하지 않았습니다.",
        "Plan the test that the requirement names.",
        "요구 사항에 적힌 시험을 계획해 주십시오.",
    ),
    "other_conditions": Sentence(
        "The quantity was measured, but not under the required conditions.",
        "해당 항목을 측정했지만 요구된 조건에서가 아닙니다.",
        "Repeat the test under the conditions that stand beside the requirement.",
        "요구 사항에 적힌 조건에서 시험을 다시 해 주십시오.",
    ),
    "condition_unknown": Sentence(
        "The quantity was measured, but the records do not say under which of the required conditions.",
        "해당 항목을 측정했지만 요구된 조건이 기록에 남아 있지 않습니다.",
        "Let the instrument record it (mostly the temperature), or give what is missing in the manifest.",
        "계측기가 그 조건(대개 온도)을 기록하게 하거나, 빠진 값을 매니페스트에 적어 주십시오.",
    ),
    "not_long_enough": Sentence(
        "The test has not yet lasted as long as the requirement asks.",
        "시험이 아직 요구된 기간이나 사이클에 이르지 않았습니다.",
        "Let it go on.",
        "시험을 계속해 주십시오.",
    ),
    "refused": Sentence(
        "The quantity was measured under these conditions, but the data do not carry a figure.",
        "이 조건에서 측정했지만 데이터로는 값을 낼 수 없습니다.",
        "The result's own table says why.",
        "해당 결과 표에서 이유를 확인해 주십시오.",
    ),
    "interval_contains_limit": Sentence(
        "The interval of the measured value contains the limit: neither pass nor fail is sure.",
        "측정값의 신뢰구간에 한계값이 들어 있어 합격도 불합격도 확실하지 않습니다.",
        "Measure more cells, or more precisely.",
        "더 많은 셀을 측정하거나 더 정밀하게 측정해 주십시오.",
    ),
    "life_goes_on": Sentence(
        "The cell has not reached the end of its life, nor yet the required number of cycles.",
        "셀이 아직 수명 종료에도, 요구된 사이클 수에도 이르지 않았습니다.",
        "Let the test go on.",
        "시험을 계속해 주십시오.",
    ),
    "too_few_cells": Sentence(
        "Fewer than six independent cells: their median has no interval.",
        "독립적인 셀이 여섯 개보다 적어 중앙값의 신뢰구간이 없습니다.",
        "Measure at least six cells.",
        "여섯 개 이상의 셀을 측정해 주십시오.",
    ),
    "too_few_wafers": Sentence(
        "The cells are of fewer than six wafers: the median of the process has no interval.",
        "셀이 여섯 장 미만의 웨이퍼에서 나와 공정 중앙값의 신뢰구간이 없습니다.",
        "Measure cells of at least six wafers.",
        "여섯 장 이상의 웨이퍼에서 셀을 측정해 주십시오.",
    ),
    "some_cells_open": Sentence(
        "No cell fails, but not every one passes.",
        "불합격한 셀은 없지만 모든 셀이 합격한 것은 아닙니다.",
        "See the cells that are indeterminate.",
        "판정이 보류된 셀을 확인해 주십시오.",
    ),
}
