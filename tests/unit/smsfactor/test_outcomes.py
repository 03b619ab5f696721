from collections.abc import Callable

import pytest

from dispatcher.domain.message import Message
from dispatcher.errors import (
    ApiRefusedError,
    CredentialsRefusedError,
    Disposition,
    NotEnoughCreditsError,
    OutcomeUnknownError,
    RequestRefusedError,
)
from dispatcher.smsfactor import Destination, SmsFactor

Answering = Callable[..., SmsFactor]

MESSAGE = Message(text="Bonjour")
TO = [Destination("33639980001", "m1")]
REFUSALS: list[tuple[int, type[ApiRefusedError], Disposition]] = [
    (-1, CredentialsRefusedError, Disposition.GIVE_UP),
    (-2, RequestRefusedError, Disposition.GIVE_UP),
    (-3, NotEnoughCreditsError, Disposition.RETRY),
    (-4, RequestRefusedError, Disposition.GIVE_UP),
    (-5, RequestRefusedError, Disposition.GIVE_UP),
    (-6, RequestRefusedError, Disposition.GIVE_UP),
    (-7, RequestRefusedError, Disposition.GIVE_UP),
]


def _json(status: int) -> bytes:
    return b'{"status":%d,"message":"Erreur","details":"rien"}' % status


def _xml(status: int) -> bytes:
    return (
        b"<response><status>%d</status><message>Erreur</message><details>rien</details></response>"
        % status
    )


@pytest.mark.parametrize(("status", "error", "disposition"), REFUSALS)
@pytest.mark.parametrize("http_status", [200, 400, 401, 403, 404])
@pytest.mark.parametrize("write", [_json, _xml])
def test_a_documented_refusal_is_refused_whatever_the_http_status_below_500(
    answering: Answering,
    status: int,
    error: type[ApiRefusedError],
    disposition: Disposition,
    http_status: int,
    write: Callable[[int], bytes],
) -> None:
    api = answering(write(status), http_status)

    with pytest.raises(error) as sending:
        api.send(MESSAGE, TO)
    with pytest.raises(error):
        api.credits()

    assert sending.value.disposition is disposition
    assert sending.value.status == status
    assert (sending.value.api_message, sending.value.details) == ("Erreur", "rien")


@pytest.mark.parametrize("status", [-99, -98, -9, 0, 2, 99])
def test_any_other_status_proves_nothing(answering: Answering, status: int) -> None:
    with pytest.raises(OutcomeUnknownError):
        answering(_json(status)).send(MESSAGE, TO)
    with pytest.raises(OutcomeUnknownError):
        answering(_xml(status)).cancel("1")


@pytest.mark.parametrize("http_status", [302, 307, 500, 502, 503])
def test_a_refusal_is_not_believed_of_a_redirect_or_a_failing_server(
    answering: Answering, http_status: int
) -> None:
    with pytest.raises(OutcomeUnknownError):
        answering(_json(-3), http_status).send(MESSAGE, TO)


@pytest.mark.parametrize(
    "body",
    [
        b'{"status":-3,"message":"Erreur"',
        b'{"status":-3,"message":"Erreur","details":"x}',
        b'["status",-3]',
        b"<response><status>-3</status><message>Erreur</message>",
        b"<!DOCTYPE r [<!ENTITY e '-3'>]><r><status>-3</status></r>",
        b"-3",
    ],
)
def test_a_refusal_that_is_not_a_valid_document_proves_nothing(
    answering: Answering, body: bytes
) -> None:
    with pytest.raises(OutcomeUnknownError):
        answering(body).send(MESSAGE, TO)


@pytest.mark.parametrize(
    "body",
    [
        b'{"status":-99,"message":"Autre erreur","ticket":203}',
        b'{"status":1,"data":{"ticket":"203"}}',
        b"<response><status>1</status><ticket>203</ticket>",
        b'\xef\xbb\xbf{"ticket":"203"}',
        b'{"message":"\xe9","ticket":"203"}',
        b'PHP Warning: oops\n{"status":1,"ticket":"203"}',
        b'{"status":1,"ticket":"203"}\n<br>',
        b'<br />\n<b>Warning</b>: oops<br />\n{"status":1,"ticket":"203"}',
    ],
)
def test_a_reply_with_a_ticket_is_a_send_whatever_else_it_says(
    answering: Answering, body: bytes
) -> None:
    assert answering(body).send(MESSAGE, TO).ticket == "203"


@pytest.mark.parametrize(
    "body",
    [
        b'{"status":-3,"ticket":"203"}',
        b'{"ticket":"203","ticket":null,"status":-3}',
        b"<response><status>-3</status><ticket> 203 </ticket></response>",
        b'{"status":1,"ticket":0}',
        b'{"status":1,"ticket":"null"}',
        b'{"status":-3,"ticket":["203"]}',
        b'{"status":-3,"ticket":{"id":"203"}}',
        b'{"status":-3,"ticket":203.0}',
        b'{"status":-3,"ticket":"AB/12=="}',
        b'{"status":-3,"tickets":["203"]}',
        b'{"status":-3,"Ticket":"203"}',
        b"<response><status>-3</status><ticket><id>203</id></ticket></response>",
        b'<response ticket="203"><status>-3</status></response>',
    ],
)
def test_a_reply_that_contradicts_itself_proves_nothing(answering: Answering, body: bytes) -> None:
    with pytest.raises(OutcomeUnknownError):
        answering(body).send(MESSAGE, TO)


@pytest.mark.parametrize("nothing", [b"0", b'"0"', b"null", b'"null"', b'""'])
def test_a_refusal_may_write_something_where_there_is_no_ticket(
    answering: Answering, nothing: bytes
) -> None:
    with pytest.raises(NotEnoughCreditsError):
        answering(b'{"status":-3,"message":"x","ticket":' + nothing + b"}").send(MESSAGE, TO)


def test_errors_show_no_number_no_text_and_no_credentials(answering: Answering) -> None:
    details = (
        "+33 6 39 98 00 01, 33639980001, 06.39.98.00.01: Bonjour, a-password, user@example.com"
    )
    body = f'{{"status":-7,"message":"Erreur 42","details":"{details}"}}'.encode()

    with pytest.raises(RequestRefusedError) as caught:
        answering(body).send(MESSAGE, TO)

    assert str(caught.value) == "status -7: Erreur 42 (***, ***, ***: ***, ***, ***)"


@pytest.mark.parametrize("body", [b'{"ticket":{"id":5}}', b'{"ticket":true}', b'{"ticket":" "}'])
def test_what_cannot_be_a_ticket_is_none(answering: Answering, body: bytes) -> None:
    with pytest.raises(OutcomeUnknownError):
        answering(body).send(MESSAGE, TO)


@pytest.mark.parametrize(
    "body",
    [
        b'{"status":-3,"a":{"ticket":"203"},"b":{"ticket":"204"}}',
        b"<response><ticket>203</ticket><ticket>204</ticket>",
    ],
)
def test_two_tickets_leave_the_outcome_unknown(answering: Answering, body: bytes) -> None:
    with pytest.raises(OutcomeUnknownError):
        answering(body).send(MESSAGE, TO)
