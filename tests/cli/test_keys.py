"""`voyant keys`: made once, listed without secrets, revoked."""

from __future__ import annotations

import json
import re


def test_a_key_is_made_listed_and_revoked(voyant):
    made = voyant("keys", "create", "--tenant", "acme", "--role", "analyst", "--name", "import")
    assert made.exit_code == 0, made.output
    key = made.stdout.strip()
    assert re.fullmatch(r"voyant_[0-9a-z]{12}_[A-Za-z0-9_-]{43}", key)
    key_id, secret = key.split("_", 2)[1:]
    (listed,) = json.loads(voyant("keys", "list", "--json").stdout)
    assert (listed["key_id"], listed["tenant"], listed["role"], listed["name"]) == (
        *(key_id, "acme", "analyst", "import"),
    )
    assert listed["revoked"] is None
    for output in (voyant("keys", "list").stdout, json.dumps(listed)):
        assert key_id in output
        assert secret not in output
    assert "Revoked" in voyant("keys", "revoke", key_id).stdout
    (listed,) = json.loads(voyant("keys", "list", "--json").stdout)
    assert listed["revoked"]


def test_keys_of_one_tenant_can_be_listed(voyant):
    assert "no key" in voyant("keys", "list").stdout
    for tenant in ("acme", "umbrella"):
        voyant("keys", "create", "--tenant", tenant, "--role", "viewer")
    listed = json.loads(voyant("keys", "list", "--tenant", "acme", "--json").stdout)
    assert [key["tenant"] for key in listed] == ["acme"]


def test_json_has_the_key_once(voyant):
    made = json.loads(
        voyant("keys", "create", "--tenant", "acme", "--role", "admin", "--json").stdout
    )
    assert made["key"].startswith(f"voyant_{made['key_id']}_")


def test_what_cannot_be_a_key_is_refused(voyant):
    wrong_role = voyant("keys", "create", "--tenant", "acme", "--role", "root")
    assert wrong_role.exit_code == 2
    assert "no role 'root'" in wrong_role.stderr
    wrong_tenant = voyant("keys", "create", "--tenant", "../acme", "--role", "viewer")
    assert wrong_tenant.exit_code == 2
    unknown = voyant("keys", "revoke", "absent")
    assert unknown.exit_code == 2
    assert "no key 'absent'" in unknown.stderr
    assert json.loads(voyant("keys", "list", "--json").stdout) == []
