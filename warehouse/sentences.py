"""What a technician reads, in two languages: what each state means, and for each code what happened and what to do."""

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


@dataclass(frozen=True)
class StateWords:
    """A state of a source in English and Korean: a word or two, and a sentence."""

    en: str
    ko: str
    en_means: str
    ko_means: str


STATES: Final[dict[str, StateWords]] = {
    "committed": StateWords(
        "Taken in", "등록됨", "The file was read and its data is here.", "파일을 읽어 데이터를 등록했습니다."
    ),
    "duplicate": StateWords(
        "Known already",
        "중복",
        "The very same file was dropped before; nothing was added.",
        "똑같은 파일을 이미 받았습니다. 새로 추가된 데이터는 없습니다.",
    ),
    "unchanged": StateWords(
        "Unchanged",
        "변경 없음",
        "The data of this file was here already; nothing was added.",
        "이미 등록된 데이터와 같습니다. 새로 추가된 데이터는 없습니다.",
    ),
    "superseded": StateWords(
        "Superseded",
        "대체됨",
        "Another version of this file stands in its place; this one is kept too.",
        "이 파일의 다른 판이 대신 등록되어 있습니다. 이 파일도 보관합니다.",
    ),
    "quarantined": StateWords(
        "In quarantine",
        "격리됨",
        "The file could not be taken in; someone has to look at it.",
        "파일을 등록하지 못했습니다. 확인이 필요합니다.",
    ),
    "ignored": StateWords(
        "Kept, not read",
        "보관만 함",
        "The file is kept, and nothing was read from it.",
        "파일을 보관했으며, 읽어 들인 데이터는 없습니다.",
    ),
    "in_progress": StateWords(
        "In progress", "처리 중", "The file is being read at this moment.", "지금 파일을 읽고 있습니다."
    ),
}

SENTENCES: Final[dict[str, Sentence]] = {
    "format_unknown": Sentence(
        "No known cycler format matches this file.",
        "알려진 충방전기 파일 형식과 일치하지 않습니다.",
        "Check that it is a result file; if it is, send it to the operators so that a reader can be written.",
        "결과 파일이 맞는지 확인하고, 맞다면 판독기를 만들 수 있도록 운영자에게 보내 주십시오.",
    ),
    "table_not_described": Sentence(
        "This table is described in settings.toml, but the description leaves something open; that is never guessed.",
        "settings.toml에 이 표의 설명이 있지만 빠진 항목이 있습니다. 빠진 항목은 추측하지 않습니다.",
        "Put in what the instrument's manual or its operator says, then read the file again with 'cellar backfill'.",
        "장비 설명서나 담당자에게 확인하여 항목을 채운 뒤 'cellar backfill'로 다시 읽어 주십시오.",
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
    "incomplete_file": Sentence(
        "The file ends too early; it is probably still being copied.",
        "파일이 중간에서 끝납니다. 아직 복사 중일 수 있습니다.",
        "Nothing to do while it grows: it is taken again when whole. Otherwise copy it from the instrument again.",
        "파일이 커지는 중이면 조치할 것이 없으며, 복사가 끝나면 다시 처리합니다. "
        "그렇지 않으면 장비에서 파일을 다시 복사해 주십시오.",
    ),
    "reader_memory": Sentence(
        "Reading the file takes more memory than a file of this size may; it may be damaged.",
        "이 크기의 파일에 허용된 것보다 많은 메모리가 필요합니다. 파일이 손상되었을 수 있습니다.",
        "Copy it from the instrument again; if it is whole, split the export into several files or call the operators.",
        "장비에서 다시 복사해 주십시오. 파일이 온전하면 여러 파일로 나누어 내보내거나 운영자에게 알려 주십시오.",
    ),
    "reader_time": Sentence(
        "Reading the file takes longer than a file of this size may; it may be damaged.",
        "이 크기의 파일에 허용된 것보다 오래 걸려 읽기를 중단했습니다. 파일이 손상되었을 수 있습니다.",
        "Copy it from the instrument again; if it is whole, send it to the operators.",
        "장비에서 다시 복사해 주십시오. 파일이 온전하면 운영자에게 보내 주십시오.",
    ),
    "reader_died": Sentence(
        "The program that reads this format failed on the file; other files are not affected.",
        "이 형식을 읽는 프로그램이 이 파일에서 실패했습니다. 다른 파일에는 영향이 없습니다.",
        "Export the same test in another format and drop that, and send this file to the operators.",
        "같은 시험을 다른 형식으로 내보내 넣고, 이 파일은 운영자에게 보내 주십시오.",
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
    "unit_unknown": Sentence(
        "Nothing says whether this cycler counts microamperes or nanoamperes; that is never guessed.",
        "이 충방전기가 마이크로암페어와 나노암페어 중 어느 단위로 기록하는지 알 수 없습니다. 단위는 추측하지 않습니다.",
        'Write into the home\'s settings.toml [cycler."NAME"] and below it current_unit = "uA" or current_unit = "nA", '
        "as the cycler's specification says, where NAME is the name of a folder above its files; or put a text file "
        'cellar.toml with the line unit = "uA" or unit = "nA" into the test\'s folder. Then drop the folder again.',
        '충방전기 사양에 따라 settings.toml에 [cycler."이름"]과 current_unit = "uA" 또는 current_unit = "nA"를 한 줄씩 '
        '적거나(이름은 파일 위에 있는 폴더의 이름), unit = "uA" 또는 unit = "nA" 한 줄을 적은 텍스트 파일 '
        "cellar.toml을 시험 폴더에 넣은 다음 폴더를 다시 넣어 주십시오.",
    ),
    "unknown_layout": Sentence(
        "The file has a layout that is not documented for this cycler, so its values cannot be placed safely.",
        "이 충방전기에 대해 알려지지 않은 구조의 파일이라 값의 위치를 안전하게 정할 수 없습니다.",
        "Send the sample named here, with the vendor's own export of the same test, to the operators.",
        "여기에 적힌 예제 파일을 같은 시험의 제조사 내보내기 파일과 함께 운영자에게 보내 주십시오.",
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
        "The sign of the current contradicts steps, counters or voltage: charge and discharge are exchanged.",
        "전류의 부호가 스텝, 적산값 또는 전압 변화와 모순됩니다. 충전과 방전이 바뀌어 있습니다.",
        "Check the sign convention of the export.",
        "내보내기의 전류 부호 규칙을 확인해 주십시오.",
    ),
    "step_codes": Sentence(
        "A current as in charge and discharge flows in steps that are called rest.",
        "휴지로 표시된 스텝에 충전이나 방전과 같은 크기의 전류가 흐릅니다.",
        "Check what the step codes of this cycler mean, and tell the operators.",
        "이 충방전기의 스텝 코드가 무엇을 뜻하는지 확인하여 운영자에게 알려 주십시오.",
    ),
    "nominal_capacity": Sentence(
        "The currents are out of all proportion to the cell's nominal capacity.",
        "전류가 셀의 공칭 용량에 비해 지나치게 크거나 작습니다.",
        "Check the current's unit in the export, and the nominal capacity in the manifest; then read the file again.",
        "내보내기의 전류 단위와 명세표의 공칭 용량을 확인한 뒤 파일을 다시 읽어 주십시오.",
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
    "too_large_together": Sentence(
        "The archive unpacks to more than is taken from one archive.",
        "압축을 풀면 압축 파일 하나에서 처리할 수 있는 전체 크기를 넘습니다.",
        "Split it and drop the parts, or drop the files outside an archive.",
        "여러 개로 나누거나, 압축하지 않은 상태로 넣어 주십시오.",
    ),
    "packed_too_tightly": Sentence(
        "The archive unpacks to far more than any result file would; it may be harmful.",
        "압축을 풀면 결과 파일로는 볼 수 없을 만큼 커집니다. 유해한 파일일 수 있습니다.",
        "Drop the file outside an archive if it is a result file, and tell the operators.",
        "결과 파일이 맞다면 압축하지 않은 상태로 넣고, 운영자에게 알려 주십시오.",
    ),
    "nested_too_deep": Sentence(
        "An archive inside an archive inside an archive is not opened.",
        "압축 파일 안의 압축 파일 속에 또 들어 있는 압축 파일은 열지 않습니다.",
        "Unpack it once and drop what is inside.",
        "압축을 한 번 풀어서 안에 든 파일을 넣어 주십시오.",
    ),
    "overlapping_files": Sentence(
        "Files in the archive share the same bytes, which no ordinary program writes; it may be harmful.",
        "압축 파일 안의 파일들이 같은 위치를 공유합니다. 일반 프로그램은 이렇게 저장하지 않으므로 유해할 수 있습니다.",
        "Pack the files again, or drop them outside an archive.",
        "파일을 다시 압축하거나, 압축하지 않은 상태로 넣어 주십시오.",
    ),
    "encrypted": Sentence(
        "The file is protected by a password.",
        "암호로 보호된 파일입니다.",
        "Pack it again without a password, or drop it outside an archive.",
        "암호 없이 다시 압축하거나, 압축하지 않은 상태로 넣어 주십시오.",
    ),
    "unknown_packing": Sentence(
        "The file is packed by a method that cannot be unpacked here.",
        "여기서 풀 수 없는 방식으로 압축된 파일입니다.",
        "Pack it again as an ordinary zip, or drop it outside an archive.",
        "일반 zip으로 다시 압축하거나, 압축하지 않은 상태로 넣어 주십시오.",
    ),
    "symbolic_link": Sentence(
        "A link to another file or folder; links are not followed.",
        "다른 파일이나 폴더를 가리키는 링크입니다. 링크는 따라가지 않습니다.",
        "Drop the file itself.",
        "파일 자체를 넣어 주십시오.",
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
    "owner_disagrees": Sentence(
        "Two signs of whose this file is contradict each other.",
        "이 파일이 누구의 것인지 알려 주는 두 단서가 서로 다릅니다.",
        "Find out which cell it is, then tell it with 'cellar quarantine assign'.",
        "어느 셀의 파일인지 확인한 뒤 'cellar quarantine assign'으로 지정해 주십시오.",
    ),
    "set_aside": Sentence(
        "Someone looked at this file and decided that it needs no action.",
        "담당자가 확인하고 조치가 필요 없다고 판단한 파일입니다.",
        "Nothing to do; 'cellar quarantine release --undo' puts it back on the work list.",
        "조치할 것이 없습니다. 'cellar quarantine release --undo'로 작업 목록에 되돌릴 수 있습니다.",
    ),
    "reread": Sentence(
        "A newer reader reads this file differently, so the test has a new revision.",
        "새 판독기가 이 파일을 다르게 읽어 시험의 새 개정이 만들어졌습니다.",
        "Nothing to do; look at the stated difference if you have used the figures.",
        "조치할 것이 없습니다. 값을 이미 사용했다면 표시된 차이를 확인해 주십시오.",
    ),
    "manifest_unreadable": Sentence(
        "It looks like a manifest, but cannot be read as a table.",
        "명세표로 보이지만 표로 읽을 수 없습니다.",
        "Save it again as csv or xlsx and drop it once more.",
        "csv 또는 xlsx로 다시 저장하여 넣어 주십시오.",
    ),
    "older_version": Sentence(
        "An earlier state of a file that is already here with more data.",
        "이미 더 많은 데이터가 들어온 파일의 이전 상태입니다.",
        "Nothing to do; these bytes are kept too.",
        "조치할 것이 없습니다. 이 파일도 보관됩니다.",
    ),
    "no_new_rows": Sentence(
        "The file grew, but by no whole record so far.",
        "파일이 커졌지만 아직 완성된 기록이 늘지 않았습니다.",
        "Nothing to do.",
        "조치할 것이 없습니다.",
    ),
    "same_run": Sentence(
        "The same run of the same channel is already here, with as much data or more.",
        "같은 채널의 같은 시험이 이미 같거나 더 많은 데이터로 들어와 있습니다.",
        "Nothing to do; these bytes are kept too.",
        "조치할 것이 없습니다. 이 파일도 보관됩니다.",
    ),
    "replaced": Sentence(
        "The file was rewritten: its data now stands in place of what was read before; both files are kept.",
        "파일이 다시 쓰였습니다. 새 데이터가 이전에 읽은 데이터를 대신하며 두 파일 모두 보관됩니다.",
        "Check whether that was intended.",
        "의도한 것인지 확인하십시오.",
    ),
    "replaced_shorter": Sentence(
        "The file was rewritten and holds less than before: its data stands in place of what was read; both are kept.",
        "파일이 다시 쓰였고 이전보다 데이터가 적습니다. 새 데이터가 이전 데이터를 대신하며 두 파일 모두 보관됩니다.",
        "Check whether that was intended; if not, drop the longer file again under the same name.",
        "의도한 것인지 확인하십시오. 아니라면 더 긴 파일을 같은 이름으로 다시 넣어 주십시오.",
    ),
    "map_unknown": Sentence(
        "The file is no wafer map of a known layout.",
        "알려진 형식의 웨이퍼 맵이 아닙니다.",
        "Save the map as STDF V4, SINF or KLARF 1.x.",
        "맵을 STDF V4, SINF 또는 KLARF 1.x 형식으로 저장하십시오.",
    ),
    "map_layout": Sentence(
        "The map is of a version or kind whose values cannot be placed safely.",
        "값의 위치를 안전하게 정할 수 없는 버전이나 종류의 웨이퍼 맵입니다.",
        "Save it again as STDF V4, SINF or KLARF 1.2 without mirrored coordinates.",
        "좌표를 뒤집지 않은 STDF V4, SINF 또는 KLARF 1.2 형식으로 다시 저장하십시오.",
    ),
    "map_without_wafer": Sentence(
        "The map does not say which wafer it is of.",
        "어느 웨이퍼의 맵인지 적혀 있지 않습니다.",
        "Name lot and wafer with --lot and --wafer; a file without any wafer's record has to be exported again.",
        "--lot과 --wafer로 로트와 웨이퍼를 알려 주십시오. 웨이퍼 기록이 없는 파일은 다시 내보내십시오.",
    ),
    "map_count": Sentence(
        "The map does not hold as many dies as it says.",
        "맵에 적힌 다이 수와 실제 다이 수가 다릅니다.",
        "Export the map again; if it was edited by hand, correct the count.",
        "맵을 다시 내보내 주십시오. 손으로 고친 파일이라면 다이 수를 바로잡으십시오.",
    ),
    "map_orientation": Sentence(
        "Nothing says on which side of the map the notch is or how its dies are counted; that is never guessed.",
        "맵의 어느 쪽에 노치가 있는지, 다이를 어떻게 세는지 알 수 없습니다. 방향은 추측하지 않습니다.",
        "State it with --notch, --x-axis and --y-axis, or in the manifest of wafers.",
        "--notch, --x-axis, --y-axis 또는 웨이퍼 명세표로 알려 주십시오.",
    ),
    "map_outside": Sentence(
        "With this centre, pitch and orientation, dies of the map would lie outside the wafer.",
        "이 중심, 간격, 방향으로는 맵의 다이가 웨이퍼 밖에 놓입니다.",
        "Check the wafer's diameter, pitch and centre die in the map and in the manifest of wafers.",
        "맵과 웨이퍼 명세표의 지름, 간격, 중심 다이를 확인하십시오.",
    ),
    "map_contradicts": Sentence(
        "What was stated of the map contradicts what the file itself says.",
        "알려 준 내용이 맵 파일에 적힌 내용과 서로 다릅니다.",
        "Leave out what the file says, or correct it.",
        "파일에 적힌 항목은 빼거나 바로잡아 주십시오.",
    ),
}


def split_reason(reason: dict[str, str], language: str) -> tuple[str, str]:
    """Return what happened and what to do, of a reason that ``explain`` made, in ``en`` or ``ko``."""
    sentence = SENTENCES.get(reason["code"], SENTENCES["unreadable"])
    to_do = sentence.en_do if language == "en" else sentence.ko_do
    happened = reason[language].removesuffix(to_do)
    return happened.strip(), to_do if happened != reason[language] else ""


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
