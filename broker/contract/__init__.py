"""Pure values both sides share: states, outcomes, events. No effects, no third-party imports."""
