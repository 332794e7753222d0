"""Why a figure of a cell's life is missing: for every code what it means and what to do, in two languages."""

from __future__ import annotations

from typing import Final

from warehouse.sentences import Sentence

REASONS: Final[dict[str, Sentence]] = {
    "no_complete_cycle": Sentence(
        "The cell has no complete cycle, so there is no reference capacity.",
        "완료된 사이클이 없어 기준 용량이 없습니다.",
        "Wait for a complete cycle, or let the recipe refer to the nominal capacity.",
        "사이클이 완료될 때까지 기다리거나, 레시피에서 공칭 용량을 기준으로 지정해 주십시오.",
    ),
    "no_ageing_cycle": Sentence(
        "The cell has no ageing cycle, so there is no reference capacity.",
        "수명 사이클이 없어 기준 용량이 없습니다.",
        "Wait for the first cycle after formation, or choose another reference policy.",
        "화성 이후 첫 사이클을 기다리거나 다른 기준 방식을 선택해 주십시오.",
    ),
    "too_few_cycles": Sentence(
        "The cell does not have as many cycles yet as the reference policy needs.",
        "기준 방식에 필요한 사이클 수에 아직 도달하지 않았습니다.",
        "Go on cycling, or choose another reference policy.",
        "사이클을 계속 진행하거나 다른 기준 방식을 선택해 주십시오.",
    ),
    "cycle_incomplete": Sentence(
        "A cycle that the reference policy names is incomplete.",
        "기준 방식이 지정한 사이클이 완료되지 않았습니다.",
        "Choose another cycle or another reference policy.",
        "다른 사이클이나 다른 기준 방식을 선택해 주십시오.",
    ),
    "no_nominal_capacity": Sentence(
        "The manifest gives no nominal capacity for this cell.",
        "매니페스트에 이 전지의 공칭 용량이 없습니다.",
        "Give the nominal capacity in the manifest.",
        "매니페스트에 공칭 용량을 적어 주십시오.",
    ),
    "not_resolved": Sentence(
        "The uncertainty of the current is so large that the efficiency says nothing.",
        "전류의 불확도가 너무 커서 효율 값에 의미가 없습니다.",
        "Use a smaller current range, or measure the channel's offset and state it.",
        "더 작은 전류 범위를 사용하거나 채널의 오프셋을 측정하여 적어 주십시오.",
    ),
    "no_reference": Sentence(
        "No ageing cycle has a retention, because there is no reference capacity.",
        "기준 용량이 없어 용량 유지율을 계산할 수 없습니다.",
        "See reference_status in the summary.",
        "요약의 reference_status를 확인해 주십시오.",
    ),
    "too_few_points": Sentence(
        "There are too few ageing cycles for this.",
        "이 값을 구하기에는 수명 사이클이 너무 적습니다.",
        "Go on cycling.",
        "사이클을 계속 진행해 주십시오.",
    ),
    "undetermined": Sentence(
        "The cycles seen do not determine this law's parameters.",
        "지금까지의 사이클로는 이 열화 법칙의 매개변수를 정할 수 없습니다.",
        "Go on cycling; a simpler law may already describe the cell.",
        "사이클을 계속 진행해 주십시오. 더 단순한 법칙으로 설명될 수 있습니다.",
    ),
    "loss_not_resolved": Sentence(
        "The loss is not larger than its uncertainty, so its course has no shape yet.",
        "용량 손실이 불확도보다 크지 않아 열화 형태를 알 수 없습니다.",
        "Go on cycling, or lower the scatter from cycle to cycle.",
        "사이클을 계속 진행하거나 사이클 간 산포를 줄여 주십시오.",
    ),
    "law_without_break": Sentence(
        "A steady fade describes the cell as well as one with a knee.",
        "변곡점이 없는 열화 법칙으로도 똑같이 잘 설명됩니다.",
        "Nothing needs to be done.",
        "조치할 필요가 없습니다.",
    ),
    "no_acceleration": Sentence(
        "The cell does not fade noticeably faster later on.",
        "이후에 열화가 뚜렷하게 빨라지지 않습니다.",
        "Nothing needs to be done.",
        "조치할 필요가 없습니다.",
    ),
    "at_the_end": Sentence(
        "The break lies at the very last cycles: the fit has run off the end.",
        "꺾이는 지점이 마지막 사이클에 있어 적합이 끝을 벗어난 것입니다.",
        "Go on cycling.",
        "사이클을 계속 진행해 주십시오.",
    ),
    "short_follow_up": Sentence(
        "There may be a knee, but too few cycles have followed it.",
        "변곡점이 있을 수 있지만 이후 사이클이 너무 적습니다.",
        "Go on cycling.",
        "사이클을 계속 진행해 주십시오.",
    ),
    "little_loss": Sentence(
        "There may be a knee, but little capacity has been lost since.",
        "변곡점이 있을 수 있지만 이후 용량 손실이 작습니다.",
        "Go on cycling.",
        "사이클을 계속 진행해 주십시오.",
    ),
    "interval_too_wide": Sentence(
        "Fade becomes faster, but so gradually that no cycle can be named.",
        "열화가 빨라지지만 너무 완만하여 특정 사이클을 지정할 수 없습니다.",
        "Look at the curve itself.",
        "열화 곡선을 직접 확인해 주십시오.",
    ),
    "methods_differ": Sentence(
        "The two methods do not agree on whether there is a knee, or where.",
        "두 방법이 변곡점의 유무나 위치에 대해 일치하지 않습니다.",
        "Look at the curve itself, and at what each method says.",
        "열화 곡선과 각 방법의 결과를 직접 확인해 주십시오.",
    ),
    "knee_unclear": Sentence(
        "It is not clear whether fade has begun to accelerate, so nothing is forecast.",
        "열화가 빨라지기 시작했는지 분명하지 않아 예측하지 않습니다.",
        "Go on cycling.",
        "사이클을 계속 진행해 주십시오.",
    ),
    "beyond_reach": Sentence(
        "Life ends further away than may be forecast from the cycles seen.",
        "수명 종료 시점이 지금까지의 사이클로 예측할 수 있는 범위를 벗어납니다.",
        "Go on cycling.",
        "사이클을 계속 진행해 주십시오.",
    ),
}
