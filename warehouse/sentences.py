"""What a technician reads: for every code one sentence for what happened and one for what to do, in two languages."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True)
class Sentence:
    """A case in English and Korean: what happened, what to do."""

    en: str
    ko: str
    en_do: str
    ko_do: str


SENTENCES: Final[dict[str, Sentence]] = {
    "format_unknown": Sentence(
        "No known cycler format matches this file.",
        "알려진 충방전기 파일 형식과 일치하지 않습니다.",
        "Check that it is a result file; if it is, send it to the operators so that a reader can be written.",
        "결과 파일이 맞는지 확인하고, 맞다면 판독기를 만들 수 있도록 운영자에게 보내 주십시오.",
    ),
    "format_ambiguous": Sentence(
        "More than one format claims this file.",
        "둘 이상의 형식이 이 파일을 자기 것으로 인식합니다.",
        "Tell the operators which program wrote it.",
        "어떤 프로그램이 저장한 파일인지 운영자에게 알려 주십시오.",
    ),
    "broken_file": Sentence(
        "The file breaks the rules of its format; it may be cut off or damaged.",
        "파일이 해당 형식의 규칙에 맞지 않습니다. 잘렸거나 손상되었을 수 있습니다.",
        "Copy it from the instrument again and drop the new copy.",
        "장비에서 파일을 다시 복사하여 새 사본을 넣어 주십시오.",
    ),
    "unknown_columns": Sentence(
        "The file holds columns that the reader does not know, so the other values cannot be placed safely.",
        "판독기가 모르는 열이 있어 나머지 값의 위치를 안전하게 정할 수 없습니다.",
        "Export the same test as text and drop that, and send this file to the operators.",
        "같은 시험을 텍스트로 내보내 넣고, 이 파일은 운영자에게 보내 주십시오.",
    ),
    "needs_companions": Sentence(
        "This file is one part of a test and cannot be read without the other parts.",
        "시험의 일부만 담긴 파일이라 나머지 부분 없이 읽을 수 없습니다.",
        "Drop the complete export of the test instead.",
        "시험 전체를 내보낸 파일을 넣어 주십시오.",
    ),
    "several_tests": Sentence(
        "The file holds more than one test.",
        "파일에 둘 이상의 시험이 들어 있습니다.",
        "Export each test to a file of its own.",
        "시험별로 파일을 따로 내보내 주십시오.",
    ),
    "unknown_unit": Sentence(
        "A column names a unit that is not known; units are never guessed.",
        "알 수 없는 단위를 쓰는 열이 있습니다. 단위는 추측하지 않습니다.",
        "Export with one of the usual units, or tell the operators what the unit means.",
        "일반적인 단위로 다시 내보내거나, 단위의 뜻을 운영자에게 알려 주십시오.",
    ),
    "contradiction": Sentence(
        "The values contradict each other.",
        "값들이 서로 모순됩니다.",
        "Check the export settings and the units, then export again.",
        "내보내기 설정과 단위를 확인한 뒤 다시 내보내 주십시오.",
    ),
    "sign": Sentence(
        "The sign of the current contradicts the steps: charge and discharge are exchanged.",
        "전류의 부호가 스텝과 모순됩니다. 충전과 방전이 바뀌어 있습니다.",
        "Check the sign convention of the export.",
        "내보내기의 전류 부호 규칙을 확인해 주십시오.",
    ),
    "unit_factor": Sentence(
        "Two columns differ by the factor of a unit.",
        "두 열의 값이 단위 배수만큼 차이 납니다.",
        "Check the units of the export.",
        "내보내기의 단위를 확인해 주십시오.",
    ),
    "time_goes_back": Sentence(
        "The test time goes back within the file.",
        "파일 안에서 시험 시간이 거꾸로 갑니다.",
        "Export the test again in one piece; do not join files by hand.",
        "시험을 한 번에 다시 내보내 주십시오. 파일을 손으로 이어 붙이지 마십시오.",
    ),
    "missing_value": Sentence(
        "A time, voltage or current is missing in a row.",
        "어떤 행에 시간, 전압 또는 전류 값이 없습니다.",
        "Export the test again with these three columns complete.",
        "이 세 열이 모두 채워지도록 시험을 다시 내보내 주십시오.",
    ),
    "cannot_open": Sentence(
        "The file cannot be opened.",
        "파일을 열 수 없습니다.",
        "Check that it still exists and that the service may read it.",
        "파일이 아직 있는지, 서비스에 읽기 권한이 있는지 확인해 주십시오.",
    ),
    "unreadable": Sentence(
        "The file cannot be read.",
        "파일을 읽을 수 없습니다.",
        "Send it to the operators.",
        "운영자에게 보내 주십시오.",
    ),
    "too_large": Sentence(
        "The file is larger than what is unpacked from an archive.",
        "압축 파일에서 풀 수 있는 크기를 넘는 파일입니다.",
        "Drop it outside an archive.",
        "압축하지 않은 상태로 넣어 주십시오.",
    ),
    "too_many_files": Sentence(
        "The archive holds more files than are taken at once.",
        "압축 파일에 한 번에 처리할 수 있는 수보다 많은 파일이 들어 있습니다.",
        "Split it and drop the parts.",
        "여러 개로 나누어 다시 넣어 주십시오.",
    ),
    "companion": Sentence(
        "A settings, log or statistics file: kept, it holds no measurements.",
        "설정, 로그 또는 통계 파일입니다. 보관하며, 측정값은 없습니다.",
        "Nothing to do.",
        "조치할 것이 없습니다.",
    ),
    "empty": Sentence(
        "A valid file without data so far.",
        "아직 데이터가 없는 정상 파일입니다.",
        "Drop it again when the test has recorded something.",
        "시험이 기록된 뒤 다시 넣어 주십시오.",
    ),
    "system_file": Sentence(
        "A file of the operating system or a half-finished copy.",
        "운영체제 파일이거나 복사가 끝나지 않은 파일입니다.",
        "Nothing to do.",
        "조치할 것이 없습니다.",
    ),
    "container": Sentence(
        "An archive: the files inside were taken one by one.",
        "압축 파일입니다. 안의 파일을 하나씩 처리했습니다.",
        "Nothing to do.",
        "조치할 것이 없습니다.",
    ),
    "same_bytes": Sentence(
        "The same file was dropped before.",
        "같은 파일을 이미 받았습니다.",
        "Nothing to do.",
        "조치할 것이 없습니다.",
    ),
    "same_data": Sentence(
        "Other bytes, but the same data as a test that is already here.",
        "파일은 다르지만 이미 있는 시험과 데이터가 같습니다.",
        "Nothing to do.",
        "조치할 것이 없습니다.",
    ),
}


def explain(code: str, detail: str = "", where: str = "") -> dict[str, str]:
    """Return the reason of a receipt: ``code, en, ko, where``, with what was found after the sentence.

    Args:
        code: a key of ``SENTENCES``; an unknown one is shown as ``unreadable``.
        detail: what was found.
        where: byte, line or column.
    """
    sentence = SENTENCES.get(code, SENTENCES["unreadable"])
    found = f" ({detail})" if detail else ""
    return {
        "code": code,
        "en": f"{sentence.en}{found} {sentence.en_do}",
        "ko": f"{sentence.ko}{found} {sentence.ko_do}",
        "where": where,
    }
