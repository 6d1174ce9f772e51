/* The library and its settings: https://docs.aws.amazon.com/AmazonRDS/latest/AuroraUserGuide/PostgreSQL-Lambda-functions.html */
#include "aws_lambda.h"

#include "fmgr.h"
#include "utils/guc.h"

PG_MODULE_MAGIC;

#define LONGEST_TIMEOUT_MS 900000

int			connect_timeout_ms = 1000;
int			request_timeout_ms = 3000;
char	   *endpoint_override = NULL;
char	   *default_region = NULL;
char	   *access_key = NULL;
char	   *bedrock_access_key = NULL;
Service		service = {"Lambda", 1000, 3000, LARGEST_RESPONSE};

PGDLLEXPORT void _PG_init(void);

void
_PG_init(void)
{
	DefineCustomIntVariable("aws_lambda.connect_timeout_ms",
							"Maximum time to wait for a connection to AWS Lambda.", NULL,
							&connect_timeout_ms, 1000, 1, LONGEST_TIMEOUT_MS, PGC_USERSET, 0, NULL, NULL, NULL);
	DefineCustomIntVariable("aws_lambda.request_timeout_ms",
							"Maximum time to wait for a response from AWS Lambda.", NULL,
							&request_timeout_ms, 3000, 1, LONGEST_TIMEOUT_MS, PGC_USERSET, 0, NULL, NULL, NULL);
	DefineCustomStringVariable("aws_lambda.endpoint_override",
							   "Endpoint to use instead of AWS Lambda's: http://address:port.", NULL,
							   &endpoint_override, "", PGC_POSTMASTER, 0, NULL, NULL, NULL);
	/* Not on AWS, where the region is the database's own. */
	DefineCustomStringVariable("aws_lambda.local_region",
							   "Region of a function whose name and arguments give none.", NULL,
							   &default_region, "us-east-1", PGC_POSTMASTER, 0, NULL, NULL, NULL);
	/* Nor is this one: on AWS the service hands the database credentials of its role. */
	DefineCustomStringVariable("aws_lambda.local_access_key",
							   "Access key id that tells the service which database calls.", NULL,
							   &access_key, "local", PGC_POSTMASTER, 0, NULL, NULL, NULL);
	MarkGUCPrefixReserved("aws_lambda");
	DefineCustomStringVariable("aws_ml.local_access_key",
							   "Access key id that tells Amazon Bedrock which database calls.", NULL,
							   &bedrock_access_key, "local", PGC_POSTMASTER, 0, NULL, NULL, NULL);
	MarkGUCPrefixReserved("aws_ml");
	define_cron_settings();
}
