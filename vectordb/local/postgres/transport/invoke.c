/* aws_lambda._invoke: check the arguments, build the request, return the reply or raise what it says. */
#include "aws_lambda.h"

#include "common/base64.h"
#include "funcapi.h"
#include "utils/builtins.h"

/* https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html */
#define LONGEST_CLIENT_CONTEXT 3583
#define LONGEST_QUALIFIER 128

enum Argument
{
	FUNCTION_NAME, PAYLOAD, REGION, INVOCATION_TYPE, LOG_TYPE, CONTEXT, QUALIFIER
};

enum Column
{
	STATUS_CODE, RESPONSE, EXECUTED_VERSION, LOG_RESULT, COLUMNS
};

static char *
argument(FunctionCallInfo fcinfo, enum Argument which)
{
	return PG_ARGISNULL(which) ? NULL : text_to_cstring(PG_GETARG_TEXT_PP(which));
}

/*
 * The argument and what the ARN says must agree when both are given; the one that is given, or NULL. That a conflict is an error is
 * documented, its words are ours.
 */
static const char *
agree(const char *what, const char *given, const char *of_name, const char *function_name)
{
	if (given != NULL && of_name != NULL && strcmp(given, of_name) != 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("%s \"%s\" conflicts with \"%s\"", what, given, function_name)));
	return given != NULL ? given : of_name;
}

static void
append_client_context(StringInfo into, const char *context)
{
	int			length = strlen(context);
	int			room = pg_b64_enc_len(length);
	char	   *encoded = palloc(room + 1);
	/* void *, for the type of its bytes differs between PostgreSQL 16 and 18 */
	int			used = pg_b64_encode((void *) context, length, encoded, room);

	if (used < 0 || used > LONGEST_CLIENT_CONTEXT)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("context is too long: %d bytes in base64, at most %d", used, LONGEST_CLIENT_CONTEXT)));
	appendStringInfo(into, "X-Amz-Client-Context: %.*s\r\n", used, encoded);
}

/* The service's words for a payload that is too large (unverified). It is not sent: the service would read none of it. */
static void
check_size(int size, const char *invocation_type)
{
	int			largest = strcmp(invocation_type, "Event") == 0 ? LARGEST_EVENT : LARGEST_REQUEST;

	if (size > largest)
		ereport(ERROR,
				(errcode(ERRCODE_EXTERNAL_ROUTINE_INVOCATION_EXCEPTION),
				 errmsg("invoke API failed"),
				 errdetail("AWS Lambda client returned 'Request must be smaller than %d bytes for the InvokeFunction operation'.",
						   largest)));
}

/* Raise what the reply says unless it is a success. */
static void
check_reply(const HttpReply *reply, const char *function_name, const char *invocation_type)
{
	char	   *function_error = header_value(reply, "X-Amz-Function-Error");

	if (reply->status >= 300)
		fail_service(reply);
	if (function_error != NULL)
		fail_function(function_name, function_error, reply);
	/* A function that returns nothing answers "null": an empty body is a broken reply. */
	if (reply->body.len == 0 && strcmp(invocation_type, "RequestResponse") == 0)
		fail_client(SAID_NOTHING);
}

static void
set_text(Datum *value, bool *null, char *text)
{
	*null = text == NULL || *text == '\0';
	if (!*null)
		*value = CStringGetTextDatum(text);
}

PG_FUNCTION_INFO_V1(aws_lambda_invoke);

PGDLLEXPORT Datum
aws_lambda_invoke(PG_FUNCTION_ARGS)
{
	char	   *function_name = argument(fcinfo, FUNCTION_NAME);
	char	   *payload = argument(fcinfo, PAYLOAD);
	char	   *region = argument(fcinfo, REGION);
	char	   *invocation_type = argument(fcinfo, INVOCATION_TYPE);
	char	   *log_type = argument(fcinfo, LOG_TYPE);
	char	   *context = argument(fcinfo, CONTEXT);
	char	   *qualifier = argument(fcinfo, QUALIFIER);
	const char *signing_region;
	FunctionName parsed;
	StringInfoData request;
	HttpReply	reply;
	TupleDesc	columns;
	Datum		values[COLUMNS] = {0};
	bool		nulls[COLUMNS] = {0};

	if (function_name == NULL)
		ereport(ERROR, (errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED), errmsg("function_name must not be null")));
	if (payload == NULL)
		payload = "null";
	if (invocation_type == NULL)
		invocation_type = "RequestResponse";
	if (log_type == NULL)
		log_type = "None";
	if (strcmp(invocation_type, "RequestResponse") != 0 && strcmp(invocation_type, "Event") != 0 &&
		strcmp(invocation_type, "DryRun") != 0)
		refuse("invocation_type", invocation_type);
	if (strcmp(log_type, "None") != 0 && strcmp(log_type, "Tail") != 0)
		refuse("log_type", log_type);
	if (region != NULL)
		check_characters("region", region, "-");
	if (qualifier != NULL)
	{
		check_characters("qualifier", qualifier, "-_$");
		if (strlen(qualifier) > LONGEST_QUALIFIER)
			refuse("qualifier", qualifier);
	}
	parse_function_name(function_name, &parsed);
	signing_region = agree("region", region, parsed.region, function_name);
	(void) agree("qualifier", qualifier, parsed.qualifier, function_name);
	check_size(strlen(payload), invocation_type);

	initStringInfo(&request);
	appendStringInfoString(&request, "POST /2015-03-31/functions/");
	append_url_encoded(&request, function_name);
	appendStringInfoString(&request, "/invocations");
	if (qualifier != NULL)
	{
		appendStringInfoString(&request, "?Qualifier=");
		append_url_encoded(&request, qualifier);
	}
	if (signing_region == NULL)
		signing_region = default_region;
	/* On AWS the database signs with its role. The emulator reads the caller and the region from this header, and checks no signature. */
	appendStringInfo(&request,
					 " HTTP/1.1\r\n"
					 "Host: lambda.%s.amazonaws.com\r\n"
					 "Content-Type: application/json\r\n"
					 "Authorization: AWS4-HMAC-SHA256 Credential=%s/20260101/%s/lambda/aws4_request, SignedHeaders=host, Signature=0\r\n"
					 "X-Amz-Invocation-Type: %s\r\n"
					 "X-Amz-Log-Type: %s\r\n",
					 signing_region, access_key, signing_region, invocation_type, log_type);
	if (context != NULL)
		append_client_context(&request, context);
	appendStringInfo(&request, "Content-Length: %zu\r\n\r\n", strlen(payload));
	appendStringInfoString(&request, payload);

	service = (Service) {"Lambda", connect_timeout_ms, request_timeout_ms, LARGEST_RESPONSE};
	exchange(&request, &reply);
	check_reply(&reply, function_name, invocation_type);

	if (get_call_result_type(fcinfo, NULL, &columns) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "aws_lambda._invoke must return a record");
	values[STATUS_CODE] = Int32GetDatum(reply.status);
	set_text(&values[RESPONSE], &nulls[RESPONSE], reply.body.data);
	set_text(&values[EXECUTED_VERSION], &nulls[EXECUTED_VERSION], header_value(&reply, "X-Amz-Executed-Version"));
	set_text(&values[LOG_RESULT], &nulls[LOG_RESULT], header_value(&reply, "X-Amz-Log-Result"));
	PG_RETURN_DATUM(HeapTupleGetDatum(heap_form_tuple(BlessTupleDesc(columns), values, nulls)));
}
