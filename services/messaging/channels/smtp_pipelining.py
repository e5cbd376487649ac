"""SMTP in two round trips for each mail instead of four, where the server offers it (PIPELINING, RFC 2920)."""

import re
import smtplib

_CONTINUE, _OK, _ACCEPTED = 354, 250, {250, 251}
_DOT = re.compile(rb"^\.", re.MULTILINE)


def send_pipelined(connection: smtplib.SMTP, sender: str, address: str, mail: bytes) -> None:
    """Send one email to one address, as smtplib's `sendmail` does, with the same exceptions.

    sender, address: plain, as they stand between the angle brackets. mail: every line ends with CRLF, the last one too.
    The connection cannot be used again after an exception.
    """
    connection.ehlo_or_helo_if_needed()
    if not connection.has_extn("pipelining"):
        connection.sendmail(sender, [address], mail)
        return
    size = f" SIZE={len(mail)}" if connection.has_extn("size") else ""
    connection.send(f"MAIL FROM:<{sender}>{size}\r\nRCPT TO:<{address}>\r\nDATA\r\n")
    sender_reply, address_reply, data_reply = _replies(connection)
    if sender_reply[0] != _OK:
        raise smtplib.SMTPSenderRefused(*sender_reply, sender)
    if address_reply[0] not in _ACCEPTED:
        if (
            data_reply[0] == _CONTINUE
        ):  # the server waits for an email to nobody, and would answer no QUIT (RFC 2920, 3.1)
            connection.close()
        raise smtplib.SMTPRecipientsRefused({address: address_reply})
    if data_reply[0] != _CONTINUE:
        raise smtplib.SMTPDataError(*data_reply)
    connection.send((_DOT.sub(b"..", mail) if b"\n." in mail or mail.startswith(b".") else mail) + b".\r\n")
    mail_reply = connection.getreply()
    if mail_reply[0] != _OK:
        raise smtplib.SMTPDataError(*mail_reply)


def _replies(connection: smtplib.SMTP) -> list[tuple[int, bytes]]:
    """Return the replies to the three commands. A server that refuses one and hangs up has refused the others."""
    replies = []
    try:
        while len(replies) < 3:
            replies.append(connection.getreply())
    except smtplib.SMTPServerDisconnected:
        if not replies or replies[-1][0] < 400:
            raise
    return replies + [replies[-1]] * (3 - len(replies))
