"""Why a cell or a group is not compared: for every code what it means and what to do, in two languages."""

from __future__ import annotations

from typing import Final

from warehouse.sentences import Sentence

REASONS: Final[dict[str, Sentence]] = {
    "too_few_firms": Sentence(
        "Fewer than five other firms have such cells; numbers of so few would say something about each of them.",
        "같은 조건의 셀을 가진 다른 기업이 다섯 곳보다 적습니다. 수가 적으면 개별 기업의 값을 짐작할 수 있습니다.",
        "Nothing to do; it is told as soon as enough firms take part.",
        "조치할 것이 없습니다. 참여 기업이 충분해지면 표시됩니다.",
    ),
    "one_firm_dominates": Sentence(
        "One firm has more than a quarter of the weight; the numbers would mostly be its own.",
        "한 기업의 비중이 4분의 1을 넘습니다. 이 경우 통계값이 사실상 그 기업의 값이 됩니다.",
        "Nothing to do; it is told as soon as the others have more cells.",
        "조치할 것이 없습니다. 다른 기업의 셀이 늘어나면 표시됩니다.",
    ),
    "too_few_changed": Sentence(
        "Since an earlier release the values of too few firms changed; the difference would tell of them.",
        "이전 공개 이후 값이 바뀐 기업이 너무 적습니다. 두 공개의 차이에서 그 기업들의 값을 짐작할 수 있습니다.",
        "Nothing to do; it is renewed when more firms have new values.",
        "조치할 것이 없습니다. 더 많은 기업의 값이 바뀌면 갱신됩니다.",
    ),
    "not_released": Sentence(
        "This group is in no release yet; the next one takes it in.",
        "이 그룹은 아직 공개되지 않았습니다. 다음 공개 때 반영됩니다.",
        "Wait for the next release.",
        "다음 공개를 기다려 주십시오.",
    ),
    "chemistry_unknown": Sentence(
        "The manifest's cathode or chemistry names no family of the grid, or two of them.",
        "매니페스트의 양극재 또는 화학계에서 비교 기준의 계열을 하나로 정할 수 없습니다.",
        "Put the cathode into the manifest, as LCO or NMC811.",
        "매니페스트에 양극재를 LCO, NMC811과 같이 적어 주십시오.",
    ),
    "capacity_unknown": Sentence(
        "The manifest states no nominal capacity.",
        "매니페스트에 공칭 용량이 없습니다.",
        "Put the nominal capacity into the manifest.",
        "매니페스트에 공칭 용량을 적어 주십시오.",
    ),
    "area_unknown": Sentence(
        "The manifest states no active area; capacities are compared of cells with one only.",
        "매니페스트에 활성 면적이 없습니다. 용량은 활성 면적이 있는 셀만 비교합니다.",
        "Put the active area into the manifest.",
        "매니페스트에 활성 면적을 적어 주십시오.",
    ),
    "rate_unknown": Sentence(
        "No complete cycles say at which rate the cell is cycled.",
        "완전한 사이클이 없어 셀의 방전율을 알 수 없습니다.",
        "Cycle the cell on.",
        "셀의 사이클 시험을 계속해 주십시오.",
    ),
    "symmetric": Sentence(
        "Symmetric cells are not compared between firms.",
        "대칭 셀은 기업 간 비교 대상이 아닙니다.",
        "Nothing to do.",
        "조치할 것이 없습니다.",
    ),
}
