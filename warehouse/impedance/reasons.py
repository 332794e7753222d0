"""Why a figure of a spectrum is missing: for every code what it means and what to do, in two languages."""

from __future__ import annotations

from typing import Final

from warehouse.sentences import Sentence

REASONS: Final[dict[str, Sentence]] = {
    "too_few_points": Sentence(
        "The spectrum has too few points to fit a circuit.",
        "회로를 맞추기에는 스펙트럼의 측정점이 너무 적습니다.",
        "Measure at least six points per decade over at least two decades.",
        "최소 두 자릿수 주파수 범위에서 자릿수당 여섯 점 이상 측정해 주십시오.",
    ),
    "band_too_narrow": Sentence(
        "The frequencies span too little to tell one process from another.",
        "주파수 범위가 좁아 과정을 서로 구별할 수 없습니다.",
        "Measure over at least two decades of frequency.",
        "최소 두 자릿수 주파수 범위에서 측정해 주십시오.",
    ),
    "not_a_spectrum": Sentence(
        "The points hold a frequency or an impedance of zero.",
        "주파수 또는 임피던스가 0인 점이 있습니다.",
        "Check the export: a direct-current point does not belong to a spectrum.",
        "내보내기 설정을 확인해 주십시오. 직류 점은 스펙트럼에 속하지 않습니다.",
    ),
    "mostly_inductive": Sentence(
        "Most points have a positive imaginary part, which a cell does not have; the sign may be turned over.",
        "대부분의 점에서 허수부가 양수입니다. 전지에서는 나타나지 않으므로 부호가 뒤집혔을 수 있습니다.",
        "Check the sign of the imaginary part in the export, and the leads.",
        "내보낸 파일의 허수부 부호와 배선을 확인해 주십시오.",
    ),
    "excitation_too_large": Sentence(
        "The voltage amplitude is too large for a linear answer of the cell.",
        "전압 진폭이 커서 전지의 응답을 선형으로 볼 수 없습니다.",
        "Measure with 10 mV or less.",
        "10 mV 이하의 진폭으로 다시 측정해 주십시오.",
    ),
    "temperature_drift": Sentence(
        "The temperature moved while the spectrum was measured.",
        "스펙트럼을 측정하는 동안 온도가 변했습니다.",
        "Let the cell soak until its temperature stands still, then measure again.",
        "온도가 안정될 때까지 기다린 뒤 다시 측정해 주십시오.",
    ),
    "bias_drift": Sentence(
        "The cell's voltage moved while the spectrum was measured: the cell was not at rest.",
        "스펙트럼을 측정하는 동안 전지 전압이 변했습니다. 전지가 안정된 상태가 아니었습니다.",
        "Rest the cell longer before measuring.",
        "측정 전에 휴지 시간을 더 두어 주십시오.",
    ),
    "kramers_kronig": Sentence(
        "The spectrum fails the Kramers-Kronig test: the cell changed, answered non-linearly, or noise is too large.",
        "크라머스-크로니히 검사를 통과하지 못했습니다. 전지가 변했거나, 응답이 비선형이거나, 잡음이 너무 큽니다.",
        "Look at the named frequencies; rest the cell longer, lower the amplitude or average more, and measure again.",
        "표시된 주파수를 확인하고, 휴지 시간을 늘리거나 진폭을 줄이거나 평균 횟수를 늘려 다시 측정해 주십시오.",
    ),
    "misfit": Sentence(
        "None of the circuits describes the spectrum closely enough.",
        "준비된 회로 가운데 스펙트럼을 충분히 잘 설명하는 것이 없습니다.",
        "The spectrum itself is sound; ask an expert for a circuit of its own.",
        "스펙트럼 자체는 정상입니다. 별도의 회로가 필요하므로 전문가에게 문의해 주십시오.",
    ),
    "undetermined": Sentence(
        "The spectrum does not determine the parameters of any circuit.",
        "스펙트럼으로는 어떤 회로의 매개변수도 정할 수 없습니다.",
        "Measure more points or a wider band.",
        "측정점을 늘리거나 더 넓은 주파수 범위에서 측정해 주십시오.",
    ),
    "no_resistance": Sentence(
        "A circuit describes the spectrum, but neither of its resistances can be relied on.",
        "스펙트럼을 설명하는 회로는 있지만 믿을 수 있는 저항값이 없습니다.",
        "See the reasons given for each resistance.",
        "각 저항에 표시된 이유를 확인해 주십시오.",
    ),
    "not_positive": Sentence(
        "The resistance comes out at zero or below.",
        "저항값이 0 이하로 나왔습니다.",
        "Measure to higher frequencies, or compensate the leads.",
        "더 높은 주파수까지 측정하거나 배선을 보정해 주십시오.",
    ),
    "interval_too_wide": Sentence(
        "The confidence interval is wider than the value.",
        "신뢰 구간이 값보다 넓습니다.",
        "Measure more points around this arc, with less noise.",
        "이 반원 부근에서 잡음을 줄이고 측정점을 늘려 주십시오.",
    ),
    "no_real_axis_crossing": Sentence(
        "The highest frequency is already capacitive: the band ends before the real axis.",
        "최고 주파수에서 이미 용량성입니다. 실수축에 닿기 전에 측정 범위가 끝납니다.",
        "Measure to higher frequencies.",
        "더 높은 주파수까지 측정해 주십시오.",
    ),
    "no_interface_arc": Sentence(
        "The spectrum shows no arc of an interface within its band.",
        "측정 범위 안에 계면 반원이 나타나지 않습니다.",
        "With blocking electrodes this is as it should be; else measure to lower frequencies.",
        "차단 전극이라면 정상입니다. 그렇지 않으면 더 낮은 주파수까지 측정해 주십시오.",
    ),
    "arc_at_band_edge": Sentence(
        "The lower end of the band cuts through an arc.",
        "측정 범위의 낮은 쪽 끝이 반원 중간을 자르고 있습니다.",
        "Measure to lower frequencies.",
        "더 낮은 주파수까지 측정해 주십시오.",
    ),
    "hidden_by_tail": Sentence(
        "The arc of the interface is drowned in the tail.",
        "계면 반원이 저주파 꼬리에 묻혀 있습니다.",
        "Measure at another temperature or state of charge, where the two part.",
        "둘이 구별되는 다른 온도나 충전 상태에서 측정해 주십시오.",
    ),
    "no_geometry": Sentence(
        "The area or the electrolyte's thickness is not known.",
        "면적 또는 전해질 두께를 알 수 없습니다.",
        "Give both in the manifest.",
        "매니페스트에 두 값을 모두 적어 주십시오.",
    ),
    "band_below_electrolyte": Sentence(
        "The band ends below the electrolyte's own arc; only electrolyte and contacts together are known.",
        "측정 범위가 전해질 반원보다 낮은 주파수에서 끝납니다. 전해질과 접촉 저항의 합만 알 수 있습니다.",
        "Measure to the frequency given as the electrolyte's.",
        "전해질 주파수로 표시된 값까지 측정해 주십시오.",
    ),
    "no_electrolyte_arc": Sentence(
        "The band reaches where the electrolyte's arc should be, but no such arc is seen.",
        "전해질 반원이 있어야 할 주파수까지 측정했지만 반원이 보이지 않습니다.",
        "Check area and thickness in the manifest.",
        "매니페스트의 면적과 두께를 확인해 주십시오.",
    ),
    "too_few_temperatures": Sentence(
        "Too few temperatures for an activation energy.",
        "활성화 에너지를 구하기에는 온도 수가 너무 적습니다.",
        "Measure at three temperatures or more, and state them where the file does not.",
        "세 온도 이상에서 측정하고, 파일에 온도가 없으면 적어 주십시오.",
    ),
    "span_too_small": Sentence(
        "The temperatures lie too close together.",
        "온도 간격이 너무 좁습니다.",
        "Measure over ten kelvins or more.",
        "10 K 이상의 범위에서 측정해 주십시오.",
    ),
    "conditions_differ": Sentence(
        "The spectra of the series were taken at different states of charge.",
        "시리즈의 스펙트럼이 서로 다른 충전 상태에서 측정되었습니다.",
        "Measure the series at one state of charge.",
        "하나의 충전 상태에서 시리즈를 측정해 주십시오.",
    ),
    "falls_with_temperature": Sentence(
        "The resistance does not fall with temperature, so there is no activation energy.",
        "온도가 올라도 저항이 줄지 않아 활성화 에너지를 구할 수 없습니다.",
        "Check the stated temperatures and whether the cell changed during the series.",
        "적힌 온도와 측정 중 전지가 변했는지 확인해 주십시오.",
    ),
}
