"""How to get into a broker: the keys that every table for MQTT has."""

from typing import Annotated, ClassVar

from pydantic import AfterValidator, Field

from ctid.config.base import RESULT, Seconds, Table, Text, host_name, user_name
from ctid.config.secret import Secret


class Broker(Table):
    """A broker's address and credentials."""

    secrets: ClassVar[tuple[str, ...]] = ("password",)
    files: ClassVar[tuple[str, ...]] = ("ca_file", "client_cert", "client_key")

    timeout_seconds: Seconds = 10.0
    host: Annotated[Text, AfterValidator(host_name)] = "127.0.0.1"
    tls: bool = False
    port: int = Field(
        default_factory=lambda values: 8883 if values.get("tls") else 1883, ge=1, le=65535
    )
    ca_file: Text | None = None
    client_cert: Text | None = None
    client_key: Text | None = None
    username: Annotated[Text, AfterValidator(user_name)] | None = None
    password_file: Text | None = None
    password_credential: Text | None = None
    password: Secret | None = RESULT

    def way_in(self) -> object:
        """All that it takes to get in, as it can be compared; nothing else of the table."""
        found = {name: getattr(self, name) for name in Broker.model_fields}
        return {**found, "password": self.password.reveal() if self.password else None}
