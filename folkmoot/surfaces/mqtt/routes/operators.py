"""Dashboard users (contract §2.1)."""

from __future__ import annotations

from folkmoot.net.http import Operation
from folkmoot.surfaces.mqtt import schema
from folkmoot.surfaces.mqtt.handlers import operators

_TAG = "Dashboard"

OPERATIONS = (
    Operation(
        "ListOperators",
        "GET",
        "/users",
        operators.list_operators,
        response=list[schema.OperatorUser],
        permission="user",
        summary="Who operates the broker",
        tag=_TAG,
    ),
    Operation(
        "CreateOperator",
        "POST",
        "/users",
        operators.create_operator,
        schema.NewOperatorUser,
        schema.OperatorUser,
        "user",
        "Make an account that operates the broker",
        tag=_TAG,
    ),
    Operation(
        "UpdateOperator",
        "PUT",
        "/users/{username}",
        operators.update_operator,
        schema.OperatorUserChange,
        schema.OperatorUser,
        "user",
        "Give an operator another role or description",
        tag=_TAG,
    ),
    Operation(
        "DeleteOperator",
        "DELETE",
        "/users/{username}",
        operators.delete_operator,
        permission="user",
        summary="Take an operator's role away; what the account has said stays",
        status=204,
        tag=_TAG,
    ),
    Operation(
        "ChangeOperatorPassword",
        "POST",
        "/users/{username}/change_pwd",
        operators.change_password,
        schema.PasswordChange,
        permission="any",
        summary="Change an operator's password, knowing the old one",
        status=204,
        tag=_TAG,
    ),
)
