"""Why a figure of a stored or held cell is missing: for every code what it means and what to do, in two languages."""

from __future__ import annotations

from typing import Final

from warehouse.sentences import Sentence

REASONS: Final[dict[str, Sentence]] = {
    "rest_too_short": Sentence(
        "Behind the hours left to relaxation, the rest is too short for a slope.",
        "완화 시간을 제외하면 휴지가 너무 짧아 기울기를 구할 수 없습니다.",
        "Rest the cell for two days or more.",
        "이틀 이상 휴지를 두어 주십시오.",
    ),
    "quantum_too_coarse": Sentence(
        "The voltage falls by too few of the steps in which it was recorded.",
        "전압 강하가 기록 분해능의 몇 단계에 불과합니다.",
        "Rest longer, or record the voltage with more digits.",
        "휴지를 늘리거나 전압을 더 많은 자릿수로 기록해 주십시오.",
    ),
    "voltage_rises": Sentence(
        "The voltage rises during the rest: the cell relaxes from a discharge.",
        "휴지 중에 전압이 올라갑니다. 방전 후의 완화입니다.",
        "Measure self-discharge at rest after a charge.",
        "충전 후의 휴지에서 자기방전을 측정해 주십시오.",
    ),
    "not_resolved": Sentence(
        "The figure lies within its own uncertainty.",
        "값이 불확도 범위 안에 있습니다.",
        "The ends of the interval say how large it may be at most; measure longer to find it.",
        "신뢰 구간의 끝값이 가능한 최댓값입니다. 값을 구하려면 더 오래 측정해 주십시오.",
    ),
    "still_relaxing": Sentence(
        "The voltage falls ever more slowly: what is seen is relaxation, not self-discharge.",
        "전압 강하가 점점 느려집니다. 자기방전이 아니라 완화입니다.",
        "Rest the cell longer.",
        "휴지를 더 길게 두어 주십시오.",
    ),
    "no_discharge_curve": Sentence(
        "No discharge of the test passes the voltage of the rest, so dQ/dV there is not known.",
        "휴지 전압을 지나는 방전이 이 시험에 없어 dQ/dV를 알 수 없습니다.",
        "Put a slow discharge into the same test.",
        "같은 시험에 느린 방전을 넣어 주십시오.",
    ),
    "flat_plateau": Sentence(
        "At this voltage the discharge curve is so flat or so bent that dQ/dV is uncertain.",
        "이 전압에서 방전 곡선이 너무 평탄하거나 굽어 dQ/dV가 불확실합니다.",
        "Use the capacity method, or rest at another state of charge.",
        "용량법을 사용하거나 다른 충전 상태에서 휴지를 두어 주십시오.",
    ),
    "hold_too_short": Sentence(
        "The voltage was held for too short a time.",
        "전압 유지 시간이 너무 짧습니다.",
        "Hold it for a day or more.",
        "하루 이상 유지해 주십시오.",
    ),
    "not_settled": Sentence(
        "At the end of the hold the current still falls.",
        "유지 시간이 끝날 때까지 전류가 계속 줄고 있습니다.",
        "Hold longer.",
        "더 오래 유지해 주십시오.",
    ),
    "not_discharged_yet": Sentence(
        "The cell has not been discharged since.",
        "보관 이후 아직 방전하지 않았습니다.",
        "Discharge it, then recharge and discharge it once more.",
        "방전한 뒤 다시 충전하고 한 번 더 방전해 주십시오.",
    ),
    "recharged_first": Sentence(
        "After the storage the cell was charged before it was discharged.",
        "보관 후 방전하기 전에 충전했습니다.",
        "Discharge first: what was left is then known.",
        "남은 용량을 알 수 있도록 먼저 방전해 주십시오.",
    ),
    "no_capacity_before": Sentence(
        "There is no discharge before the storage to compare with.",
        "비교할 보관 전 방전이 없습니다.",
        "Discharge and charge the cell in full before it is stored.",
        "보관 전에 완전 방전과 완전 충전을 한 번 해 주십시오.",
    ),
    "disturbed": Sentence(
        "Charge was moved while the cell was stored.",
        "보관 중에 충전 또는 방전이 있었습니다.",
        "Leave the cell alone, or count that charge by hand.",
        "보관 중에는 전류를 흘리지 마십시오.",
    ),
    "limits_differ": Sentence(
        "The half cycles that are compared did not end at the same voltage.",
        "비교하는 충전 또는 방전이 같은 전압에서 끝나지 않았습니다.",
        "Use the same limits before and after.",
        "전후에 같은 전압 한계를 사용해 주십시오.",
    ),
    "currents_differ": Sentence(
        "The discharges that are compared ran at different currents.",
        "비교하는 방전의 전류가 서로 다릅니다.",
        "Use the same current before and after.",
        "전후에 같은 전류를 사용해 주십시오.",
    ),
    "temperatures_differ": Sentence(
        "The discharges that are compared ran at different temperatures.",
        "비교하는 방전의 온도가 서로 다릅니다.",
        "Measure capacities at one temperature, whatever that of the storage.",
        "보관 온도와 관계없이 용량은 같은 온도에서 측정해 주십시오.",
    ),
    "not_recharged_yet": Sentence(
        "The cell has not been recharged and discharged since.",
        "이후 아직 재충전과 방전을 하지 않았습니다.",
        "Recharge it in full and discharge it once more.",
        "완전히 충전한 뒤 한 번 더 방전해 주십시오.",
    ),
    "gained_capacity": Sentence(
        "The cell delivered more after the storage than before.",
        "보관 후 용량이 보관 전보다 큽니다.",
        "Cycle the cell until its capacity stands still, then store it.",
        "용량이 안정될 때까지 충방전한 뒤 보관해 주십시오.",
    ),
    "no_check_up": Sentence(
        "Behind this period there is no full discharge that can be compared with the first.",
        "이 기간 뒤에 첫 점검과 비교할 수 있는 완전 방전이 없습니다.",
        "Charge in full and discharge with the check-up's current.",
        "완전히 충전한 뒤 점검 전류로 방전해 주십시오.",
    ),
    "too_few_check_ups": Sentence(
        "Too few check-ups for a fit.",
        "적합을 하기에는 점검 횟수가 너무 적습니다.",
        "Go on with the test.",
        "시험을 계속해 주십시오.",
    ),
    "conditions_differ": Sentence(
        "The periods between the check-ups were at different temperatures or voltages.",
        "점검 사이 기간의 온도나 전압이 서로 다릅니다.",
        "Fit only periods of one condition.",
        "같은 조건의 기간만 적합해 주십시오.",
    ),
    "no_loss": Sentence(
        "The loss of capacity is not larger than its uncertainty.",
        "용량 손실이 불확도보다 크지 않습니다.",
        "Go on with the test.",
        "시험을 계속해 주십시오.",
    ),
    "exponent_undetermined": Sentence(
        "The check-ups do not determine the exponent of time.",
        "점검 결과로는 시간 지수를 정할 수 없습니다.",
        "Rely on the fit with the given exponent, or go on with the test.",
        "지수를 고정한 적합을 사용하거나 시험을 계속해 주십시오.",
    ),
    "no_reference": Sentence(
        "The cell was never cycled at the reference temperature.",
        "기준 온도에서 충방전한 기록이 없습니다.",
        "Cycle it at 25 °C before and after the sweep.",
        "온도 시험 전후에 25 °C에서 충방전해 주십시오.",
    ),
    "not_soaked": Sentence(
        "In none of the cycles did the cell stand at this temperature long enough.",
        "이 온도에 충분히 오래 머문 사이클이 없습니다.",
        "Let the cell soak before it is cycled.",
        "충방전 전에 온도가 안정되도록 기다려 주십시오.",
    ),
}
