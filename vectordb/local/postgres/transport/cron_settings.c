/*
 * The settings of pg_cron, which is preloaded under its own name: the name is a link to this library. They are read by the
 * scheduler outside. Which there are, and which a parameter group may set:
 * https://docs.aws.amazon.com/AmazonRDS/latest/AuroraUserGuide/PostgreSQL_pg_cron.html
 */
#include "aws_lambda.h"

#include "miscadmin.h"
#include "utils/guc.h"
#include "utils/guc_tables.h"

#define LIBRARY "pg_cron"

static char *database_name;
static char *host;
static char *timezone_name;
static bool log_run;
static bool log_statement;
static bool use_background_workers;
static int	max_running_jobs;
static bool stays_who_it_is;

/*
 * A job's session began as the superuser's and became the job's own user. From now on it stays so: who may become whom is asked of the
 * user that logged in, so the job could go back.
 */
static void
stay_who_it_is(bool now, void *extra)
{
	struct config_generic *setting = find_option("session_authorization", false, true, 0);

	if (now && setting != NULL)
		setting->context = PGC_INTERNAL;
}

static bool
is_preloaded(void)
{
	const char *at = shared_preload_libraries_string;

	while (at != NULL && (at = strstr(at, LIBRARY)) != NULL)
	{
		bool		starts = at == shared_preload_libraries_string || at[-1] == ',' || at[-1] == ' ';

		at += strlen(LIBRARY);
		if (starts && (*at == '\0' || *at == ',' || *at == ' '))
			return true;
	}
	return false;
}

void
define_cron_settings(void)
{
	int			hidden = GUC_SUPERUSER_ONLY;

	if (!is_preloaded())
		return;
	DefineCustomStringVariable("cron.database_name", "Database in which pg_cron metadata is kept.", NULL,
							   &database_name, "postgres", PGC_POSTMASTER, hidden, NULL, NULL, NULL);
	DefineCustomStringVariable("cron.host", "Hostname to connect to postgres.", NULL,
							   &host, "localhost", PGC_POSTMASTER, hidden, NULL, NULL, NULL);
	DefineCustomBoolVariable("cron.log_run", "Log all jobs runs into the job_run_details table", NULL,
							 &log_run, true, PGC_POSTMASTER, hidden, NULL, NULL, NULL);
	DefineCustomBoolVariable("cron.log_statement", "Log all cron statements prior to execution.", NULL,
							 &log_statement, true, PGC_POSTMASTER, hidden, NULL, NULL, NULL);
	DefineCustomIntVariable("cron.max_running_jobs", "Maximum number of jobs that can run concurrently.", NULL,
							&max_running_jobs, 5, 0, 1000, PGC_POSTMASTER, hidden, NULL, NULL, NULL);
	DefineCustomStringVariable("cron.timezone", "Specify timezone used for cron schedule.", NULL,
							   &timezone_name, "GMT", PGC_POSTMASTER, hidden, NULL, NULL, NULL);
	DefineCustomBoolVariable("cron.use_background_workers", "Use background workers instead of client sessions.", NULL,
							 &use_background_workers, true, PGC_POSTMASTER, hidden, NULL, NULL, NULL);
	DefineCustomBoolVariable("cron.local_stay_who_you_are", "Keeps a session from becoming another user.", NULL,
							 &stays_who_it_is, false, PGC_USERSET, GUC_NO_SHOW_ALL, NULL, stay_who_it_is, NULL);
	MarkGUCPrefixReserved("cron");
}
