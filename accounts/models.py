from django.contrib.auth.models import AbstractUser


class User(AbstractUser):
    """A person who signs in: district staff."""

    @property
    def listed_name(self) -> str:
        """The name as the logs list it: "Administrator, System"; the username where no name is known."""
        return ", ".join(part for part in (self.last_name, self.first_name) if part) or self.get_username()
