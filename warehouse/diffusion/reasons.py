"""Why a diffusion coefficient is missing: for every code what it means and what to do, in two languages."""

from __future__ import annotations

from typing import Final

from warehouse.sentences import Sentence

REASONS: Final[dict[str, Sentence]] = {
    "no_thickness": Sentence(
        "The thickness of the cathode is not known; D/L² is given instead.",
        "양극 두께를 알 수 없어 D 대신 D/L² 값을 표시합니다.",
        "Give the cathode's thickness in the manifest.",
        "매니페스트에 양극 두께를 적어 주십시오.",
    ),
    "first_pulse": Sentence(
        "The first pulse has no titration step before it, so its steady change is not one pulse's.",
        "첫 펄스 앞에는 적정 단계가 없어 정상 상태 전압 변화를 이 펄스의 것으로 볼 수 없습니다.",
        "This is as it should be; read the second pulse.",
        "정상입니다. 두 번째 펄스부터 확인해 주십시오.",
    ),
    "not_one_pulse": Sentence(
        "Between two rests lies more than one step of constant current.",
        "두 휴지 사이에 정전류 스텝이 하나가 아닙니다.",
        "Let every pulse be one step of constant current, with a rest behind each.",
        "펄스마다 정전류 스텝 하나와 휴지 하나가 오도록 설정해 주십시오.",
    ),
    "no_rest": Sentence(
        "A rest before or behind the pulse is missing or too short.",
        "펄스 앞뒤의 휴지가 없거나 너무 짧습니다.",
        "End the titration with a rest, and rest long enough after each pulse.",
        "펄스마다 충분히 쉬게 하고, 적정을 휴지로 끝내 주십시오.",
    ),
    "too_few_points": Sentence(
        "The window that the law holds in has too few records for a line.",
        "법칙이 성립하는 구간의 기록이 너무 적어 직선을 그을 수 없습니다.",
        "Record more often.",
        "기록 간격을 줄여 주십시오.",
    ),
    "not_straight": Sentence(
        "The records do not lie on the straight line that diffusion would give.",
        "기록이 확산에서 기대되는 직선 위에 있지 않습니다.",
        "Shorten the pulse, or look for a phase change or a slow interface at this voltage.",
        "펄스를 줄이거나, 이 전압에서 상전이나 느린 계면 반응이 있는지 확인해 주십시오.",
    ),
    "moves_against_charge": Sentence(
        "The voltage moves against the charge that flowed.",
        "전압이 흐른 전하와 반대 방향으로 움직입니다.",
        "Rest longer between the pulses; check for a drift of temperature.",
        "펄스 사이의 휴지를 늘리고 온도가 변했는지 확인해 주십시오.",
    ),
    "not_resolved": Sentence(
        "The change of voltage is too small for the noise and the quantum of the records.",
        "전압 변화가 기록의 잡음과 분해능에 비해 너무 작습니다.",
        "Use longer pulses or a finer voltage range; on a flat plateau there is no such figure.",
        "펄스를 늘리거나 더 세밀한 전압 범위를 사용해 주십시오. 평탄 구간에서는 이 값을 구할 수 없습니다.",
    ),
    "pulse_too_long": Sentence(
        "The pulse lasted so long that diffusion felt the far side of the film.",
        "펄스가 길어 확산이 박막 반대편까지 도달했습니다.",
        "Shorten the pulse to a quarter of L²/D or less.",
        "펄스를 L²/D의 4분의 1 이하로 줄여 주십시오.",
    ),
    "no_half_charge": Sentence(
        "The records do not show when half of the step's charge had flowed.",
        "스텝 전하의 절반이 흐른 시점을 기록에서 알 수 없습니다.",
        "Record the beginning of each held voltage more often.",
        "각 전압 유지 초반의 기록 간격을 줄여 주십시오.",
    ),
    "current_does_not_fall": Sentence(
        "The current does not fall at the held voltage.",
        "전압을 유지하는 동안 전류가 줄지 않습니다.",
        "Check for leakage and for the channel's offset.",
        "누설 전류와 채널의 영점을 확인해 주십시오.",
    ),
    "falls_too_little": Sentence(
        "The current falls too little above its noise for the long-time law.",
        "전류가 잡음 위에서 충분히 줄지 않아 장시간 법칙을 적용할 수 없습니다.",
        "Hold longer, or use a smaller current range.",
        "더 오래 유지하거나 더 작은 전류 범위를 사용해 주십시오.",
    ),
    "not_equilibrated": Sentence(
        "The step was ended before its current had decayed, so its whole charge is not known.",
        "전류가 충분히 줄기 전에 스텝이 끝나 전체 전하를 알 수 없습니다.",
        "Hold until the current has decayed.",
        "전류가 충분히 줄 때까지 유지해 주십시오.",
    ),
    "not_diffusion": Sentence(
        "At short times the current does not fall with the root of time: something else limits it.",
        "초기 전류가 시간의 제곱근에 따라 줄지 않습니다. 다른 요인이 전류를 제한합니다.",
        "Read the long-time figure; a series resistance spoils this one first.",
        "장시간 값을 사용해 주십시오. 직렬 저항은 이 값부터 왜곡합니다.",
    ),
}
