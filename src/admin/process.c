/* SPDX-License-Identifier: Apache-2.0 */
/* What the kernel says of this process, under the names that every exporter has for it (process_*): CPU, memory, files. */
#include "admin/view.h"
#include "base/clock.h"
#include "metric/openmetrics.h"

#include <dirent.h>
#include <stdio.h>
#include <sys/resource.h>
#include <unistd.h>

static void value_of(struct openmetrics *o, enum own_metric metric, double value)
{
	openmetrics_family(o, family_own(metric));
	openmetrics_value(o, NULL, 0, value);
}

/* Less the one that the folder itself is read by; -1 if there is no /proc. */
static long open_files(void)
{
	DIR *folder = opendir("/proc/self/fd");
	long count = -1;
	if (!folder)
		return -1;
	for (const struct dirent *entry; (entry = readdir(folder));)
		count += entry->d_name[0] != '.';
	closedir(folder);
	return count;
}

static void add_memory(struct openmetrics *o)
{
	long pages, resident;
	FILE *f = fopen("/proc/self/statm", "re");
	if (!f)
		return;
	if (fscanf(f, "%ld %ld", &pages, &resident) == 2) {
		value_of(o, OWN_PROCESS_VIRTUAL, (double)pages * (double)sysconf(_SC_PAGESIZE));
		value_of(o, OWN_PROCESS_RESIDENT, (double)resident * (double)sysconf(_SC_PAGESIZE));
	}
	fclose(f);
}

static double seconds(struct timeval t)
{
	return (double)t.tv_sec + (double)t.tv_usec / 1e6;
}

void view_process(const struct view *v, struct openmetrics *o)
{
	struct rusage usage;
	struct rlimit limit;
	if (getrusage(RUSAGE_SELF, &usage) == 0)
		value_of(o, OWN_PROCESS_CPU, seconds(usage.ru_utime) + seconds(usage.ru_stime));
	add_memory(o);
	long files = open_files();
	if (files >= 0)
		value_of(o, OWN_PROCESS_FILES, (double)files);
	if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur != RLIM_INFINITY)
		value_of(o, OWN_PROCESS_FILES_MAX, (double)limit.rlim_cur);
	value_of(o, OWN_PROCESS_START, (double)(v->started_ns / NS_PER_MS) / 1000);
}
