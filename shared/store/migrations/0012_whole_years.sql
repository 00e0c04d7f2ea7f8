-- A year of journeys that nothing was written to for ten minutes becomes one part: `FINAL` then has nothing to put together,
-- and costs what reading costs.
ALTER TABLE journeys MODIFY SETTING min_age_to_force_merge_seconds = 600, min_age_to_force_merge_on_partition_only = 1;
