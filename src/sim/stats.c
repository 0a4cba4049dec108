#include "sim/stats.h"

static int
step_of(int64_t us)
{
	int power = 0;

	if (us < HISTOGRAM_STEPS)
		return us < 0 ? 0 : (int)us;
	while (us >> power >= 2 * HISTOGRAM_STEPS)
		power++;
	if (power + 1 >= HISTOGRAM_POWERS)
		return HISTOGRAM_POWERS * HISTOGRAM_STEPS - 1;
	return (power + 1) * HISTOGRAM_STEPS + (int)((us >> power) - HISTOGRAM_STEPS);
}

/* The longest duration that falls into the step; the last one has no end. */
static int64_t
end_of(int step)
{
	int power = step / HISTOGRAM_STEPS - 1;

	if (power < 0)
		return step;
	if (step == HISTOGRAM_POWERS * HISTOGRAM_STEPS - 1)
		return INT64_MAX;
	return ((int64_t)(step % HISTOGRAM_STEPS + HISTOGRAM_STEPS + 1) << power) - 1;
}

void
histogram_add(struct histogram *histogram, int64_t us)
{
	histogram->steps[step_of(us)]++;
	histogram->count++;
	if (us > histogram->most)
		histogram->most = us;
}

int64_t
histogram_quantile(const struct histogram *histogram, double quantile)
{
	uint64_t wanted = (uint64_t)(quantile * (double)histogram->count), seen = 0;

	for (int i = 0; i < HISTOGRAM_POWERS * HISTOGRAM_STEPS; i++) {
		seen += histogram->steps[i];
		if (seen > wanted || (seen == histogram->count && seen > 0))
			return end_of(i) < histogram->most ? end_of(i) : histogram->most;
	}
	return 0;
}

json_t *
histogram_json(const struct histogram *histogram)
{
	return json_pack("{s:I, s:f, s:f, s:f, s:f}", "count", (json_int_t)histogram->count, "p50",
		(double)histogram_quantile(histogram, 0.5) / 1000, "p90",
		(double)histogram_quantile(histogram, 0.9) / 1000, "p99",
		(double)histogram_quantile(histogram, 0.99) / 1000, "max",
		(double)histogram->most / 1000);
}

json_t *
stats_json(const struct stats *stats)
{
	const struct {
		const char *key;
		uint64_t count;
	} counts[] = {
		{"enrolled", stats->enrolled},
		{"renewed", stats->renewed},
		{"refused", stats->refused},
		{"erased", stats->erased},
		{"checked_out", stats->checked_out},
		{"pushes", stats->pushes},
		{"stray_pushes", stats->stray_pushes},
		{"push_errors", stats->push_errors},
		{"sessions", stats->sessions},
		{"answered", stats->acknowledged + stats->errors + stats->format_errors},
		{"acknowledged", stats->acknowledged},
		{"errors", stats->errors},
		{"format_errors", stats->format_errors},
		{"not_now", stats->not_now},
		{"repeats", stats->repeats},
		{"dropped", stats->dropped},
		{"retries", stats->retries},
		{"busy", stats->busy},
		{"lost", stats->lost},
		{"rejected", stats->rejected},
	};
	json_t *object = json_object();

	for (size_t i = 0; i < sizeof(counts) / sizeof(counts[0]); i++)
		json_object_set_new(
			object, counts[i].key, json_integer((json_int_t)counts[i].count));
	json_object_set_new(object, "latency_ms",
		json_pack("{s:o, s:o, s:o, s:o}", "connect", histogram_json(&stats->connect),
			"exchange", histogram_json(&stats->exchange), "session",
			histogram_json(&stats->session), "wake", histogram_json(&stats->wake)));
	return object;
}
