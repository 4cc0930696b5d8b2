"""Admin pages of users with their roles, other groups, access tokens and the audit log."""

from creativefilter.accounts.admin.audit import AuditEntryAdmin
from creativefilter.accounts.admin.tokens import TokenDetailsAdmin
from creativefilter.accounts.admin.users import GroupAdmin, UserAdmin

__all__ = ["AuditEntryAdmin", "GroupAdmin", "TokenDetailsAdmin", "UserAdmin"]
