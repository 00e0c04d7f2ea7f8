-- Stands in for a migration of this number.
ALTER TABLE journeys MODIFY SETTING min_age_to_force_merge_seconds = 600;
