"""Why a figure of a load is missing: for every code what it means and what to do, in two languages."""

from __future__ import annotations

from typing import Final

from warehouse.sentences import Sentence

REASONS: Final[dict[str, Sentence]] = {
    "not_resolved": Sentence(
        "The records are too far apart, or too few, to tell the voltage at this time.",
        "기록 간격이 길거나 기록 수가 적어 이 시점의 전압을 알 수 없습니다.",
        "Record the first second behind the edge faster: ten records a pulse or more, or use a source-measure unit.",
        "전류가 바뀐 직후를 더 빠르게 기록해 주십시오. 펄스마다 열 점 이상이 필요하며, SMU를 쓰는 것도 좋습니다.",
    ),
    "below_noise": Sentence(
        "The change of voltage or current is no larger than its noise.",
        "전압 또는 전류의 변화가 잡음보다 크지 않습니다.",
        "Use a larger current, or a channel with a smaller range.",
        "전류를 키우거나 범위가 더 작은 채널을 사용해 주십시오.",
    ),
    "grid_below_quantum": Sentence(
        "The voltage was recorded in steps too coarse for the grid.",
        "전압 기록의 최소 단위가 격자에 비해 너무 큽니다.",
        "Export the voltage with more digits, or choose a wider grid in the recipe.",
        "전압을 더 많은 자릿수로 내보내거나 레시피에서 격자를 넓혀 주십시오.",
    ),
    "grid_below_noise": Sentence(
        "The noise of the voltage is too large for the grid.",
        "전압의 잡음이 격자에 비해 너무 큽니다.",
        "Choose a wider grid in the recipe, or average more in the instrument.",
        "레시피에서 격자를 넓히거나 장비의 평균 횟수를 늘려 주십시오.",
    ),
    "span_too_small": Sentence(
        "The half cycle runs over too small a span of voltage for a curve.",
        "충전 또는 방전의 전압 범위가 좁아 곡선을 그릴 수 없습니다.",
        "Choose a finer grid in the recipe, if quantum and noise allow it.",
        "기록 단위와 잡음이 허용하면 레시피에서 격자를 좁혀 주십시오.",
    ),
    "records_too_sparse": Sentence(
        "The half cycle has fewer records than grid cells.",
        "기록 수가 격자 칸 수보다 적습니다.",
        "Record by voltage change, or choose a wider grid in the recipe.",
        "전압 변화에 따라 기록하도록 설정하거나 레시피에서 격자를 넓혀 주십시오.",
    ),
    "not_bracketed": Sentence(
        "No block at the reference rate lies on both sides: rate and fade cannot be told apart.",
        "기준 전류 구간이 앞뒤에 모두 있지 않아 율속 손실과 열화를 구별할 수 없습니다.",
        "Run the reference rate before and after the faster rates.",
        "빠른 전류 구간의 앞과 뒤에서 기준 전류로 측정해 주십시오.",
    ),
    "too_few_rates": Sentence(
        "Too few rates for an exponent.",
        "지수를 구하기에는 전류 종류가 너무 적습니다.",
        "Measure at three rates or more.",
        "세 가지 이상의 전류에서 측정해 주십시오.",
    ),
    "no_limit": Sentence(
        "The cell's voltage limit is not known.",
        "셀의 전압 한계를 알 수 없습니다.",
        "Give it in the manifest.",
        "명세표에 적어 주십시오.",
    ),
    "unknown": Sentence(
        "What the channel reads without a current is not known: the instrument prints 0 at rest.",
        "전류가 흐르지 않을 때 채널이 나타내는 값을 알 수 없습니다. 장비가 휴지 중 전류를 0으로 기록합니다.",
        "Import the channel's calibrated offset in a manifest of channels.",
        "채널 명세표에 교정된 오프셋을 등록해 주십시오.",
    ),
}
