"""SMTP in two round trips for each mail instead of four, where the server offers it (PIPELINING, RFC 2920)."""

import re
import smtplib

_GO_ON, _KEPT, _TAKEN = 354, 250, {250, 251}
_DOT = re.compile(rb"^\.", re.MULTILINE)


def hand_over(line: smtplib.SMTP, sender: str, address: str, mail: bytes) -> None:
    """What smtplib's `sendmail` does, for one address, with the same exceptions; the line is of no use after one.

    sender, address: plain ones, as they go between the angle brackets. mail: lines end with CRLF, the last one too.
    """
    line.ehlo_or_helo_if_needed()
    if not line.has_extn("pipelining"):
        line.sendmail(sender, [address], mail)
        return
    size = f" SIZE={len(mail)}" if line.has_extn("size") else ""
    line.send(f"MAIL FROM:<{sender}>{size}\r\nRCPT TO:<{address}>\r\nDATA\r\n")
    of_sender, of_address, of_data = _answers(line)
    if of_sender[0] != _KEPT:
        raise smtplib.SMTPSenderRefused(*of_sender, sender)
    if of_address[0] not in _TAKEN:
        if of_data[0] == _GO_ON:  # it waits for a mail to nobody, and would for a goodbye (RFC 2920, 3.1)
            line.close()
        raise smtplib.SMTPRecipientsRefused({address: of_address})
    if of_data[0] != _GO_ON:
        raise smtplib.SMTPDataError(*of_data)
    line.send((_DOT.sub(b"..", mail) if b"\n." in mail or mail.startswith(b".") else mail) + b".\r\n")
    of_mail = line.getreply()
    if of_mail[0] != _KEPT:
        raise smtplib.SMTPDataError(*of_mail)


def _answers(line: smtplib.SMTP) -> list[tuple[int, bytes]]:
    """The answers to the three commands. Who refuses one and hangs up has refused the others."""
    said = []
    try:
        while len(said) < 3:
            said.append(line.getreply())
    except smtplib.SMTPServerDisconnected:
        if not said or said[-1][0] < 400:
            raise
    return said + [said[-1]] * (3 - len(said))
