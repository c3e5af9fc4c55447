"""Every form in which a planted value could turn up somewhere by accident."""

import base64
import hashlib
import json
from urllib.parse import quote


def spellings(planted):
    """Return every form in which a value could be written by accident."""
    octets = planted if isinstance(planted, bytes) else planted.encode()
    text = octets.decode("latin-1")
    forms = {text, text[::-1], repr(text)[1:-1], json.dumps(text)[1:-1], octets.hex()}
    if not isinstance(planted, bytes):
        forms |= {planted, planted[::-1], json.dumps(planted)[1:-1]}
    forms.add(quote(octets, safe=""))
    for encode in (base64.b64encode, base64.urlsafe_b64encode, base64.b32encode):
        forms.add(encode(octets).decode().rstrip("="))
    for digest in (hashlib.sha256, hashlib.md5, hashlib.sha1):
        found = digest(octets)
        forms |= {found.hexdigest(), base64.b64encode(found.digest()).decode().rstrip("=")}
    return forms
