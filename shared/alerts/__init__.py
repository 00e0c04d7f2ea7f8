"""What the alert engine and the pages that show it have in common: findings, alerts, transitions."""
