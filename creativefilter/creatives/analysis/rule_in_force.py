"""The rule by which creatives are decided now: the active version and the current settings."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from creativefilter.creatives import decision_settings, model_versions
from creativefilter.creatives.analysis import engines
from creativefilter.creatives.models import DecisionParameters, DecisionSettings, ModelVersion

if TYPE_CHECKING:
    from classifier.decision.bundle import Bundle
    from classifier.decision.rule import Parameters


@dataclass(frozen=True, slots=True)
class RuleInForce:
    """The active version, the current settings, and the parameters that follow from them."""

    version: ModelVersion
    settings: DecisionSettings
    parameters: Parameters

    def bundle(self) -> Bundle:
        """Load the models of the version.

        Raises:
            ArtefactError: The folder is damaged.
        """
        return engines.bundle(self.version, self.settings)

    def row(self) -> DecisionParameters:
        """Return the stored parameters; store them if they are new."""
        from classifier.decision import rule

        return DecisionParameters.objects.get_or_create(
            model_version=self.version,
            settings=self.settings,
            rule_version=rule.RULE_VERSION,
            defaults={"values": rule.as_json(self.parameters)},
        )[0]

    def still_holds(self) -> bool:
        """Lock version and settings for this transaction; return whether they are the same."""
        model_versions.lock()
        active = ModelVersion.objects.filter(is_active=True).first()
        return (active, decision_settings.current()) == (self.version, self.settings)


def rule_in_force() -> RuleInForce:
    """Return the rule by which creatives are decided now.

    Raises:
        NoActiveModelError: No model version is active.
        ArtefactError: The folder of the active version is damaged.
    """
    return rule_of(model_versions.active(), decision_settings.current())


def rule_of(version: ModelVersion, chosen: DecisionSettings) -> RuleInForce:
    """Return the rule of a version under settings, which need not be saved.

    Raises:
        ArtefactError: The folder of the version is damaged.
    """
    return RuleInForce(version, chosen, engines.parameters(version, chosen))
