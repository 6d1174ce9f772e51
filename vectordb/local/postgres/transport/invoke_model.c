/* aws_bedrock.invoke_model: check the arguments, build the request, return the model's reply or raise what the service says. */
#include "aws_lambda.h"

#include "fmgr.h"
#include "utils/builtins.h"

/* https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_InvokeModel.html: of a model's identifier, and of a body */
#define LONGEST_MODEL_ID 2048
#define LARGEST_BODY 25000000

/* aws_ml documents no timeouts of its own; a statement's is the one that counts. */
#define MODEL_CONNECT_TIMEOUT_MS 1000
#define MODEL_REQUEST_TIMEOUT_MS 60000

enum Argument
{
	MODEL_ID, CONTENT_TYPE, ACCEPT_TYPE, MODEL_INPUT
};

static char *
argument(FunctionCallInfo fcinfo, enum Argument which, const char *name)
{
	if (PG_ARGISNULL(which))
		ereport(ERROR, (errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED), errmsg("%s must not be null", name)));
	return text_to_cstring(PG_GETARG_TEXT_PP(which));
}

PG_FUNCTION_INFO_V1(aws_bedrock_invoke_model);

PGDLLEXPORT Datum
aws_bedrock_invoke_model(PG_FUNCTION_ARGS)
{
	char	   *model_id = argument(fcinfo, MODEL_ID, "model_id");
	char	   *content_type = argument(fcinfo, CONTENT_TYPE, "content_type");
	char	   *accept_type = argument(fcinfo, ACCEPT_TYPE, "accept_type");
	char	   *model_input = argument(fcinfo, MODEL_INPUT, "model_input");
	size_t		size = strlen(model_input);
	StringInfoData request;
	HttpReply	reply;

	check_characters("model_id", model_id, ":/._-");
	if (strlen(model_id) > LONGEST_MODEL_ID)
		refuse("model_id", model_id);
	check_characters("content_type", content_type, "!#$&^_.+-/;= ");
	check_characters("accept_type", accept_type, "!#$&^_.+-/;=,* ");
	if (size > LARGEST_BODY)
		ereport(ERROR,
				(errcode(ERRCODE_EXTERNAL_ROUTINE_INVOCATION_EXCEPTION),
				 errmsg("invoke API failed"),
				 errdetail("AWS Bedrock client returned 'Input is longer than %d bytes'.", LARGEST_BODY)));

	initStringInfo(&request);
	appendStringInfoString(&request, "POST /model/");
	append_url_encoded(&request, model_id);
	/* The region is always the database's own (Aurora User Guide, requirements of Aurora machine learning). */
	appendStringInfo(&request,
					 "/invoke HTTP/1.1\r\n"
					 "Host: bedrock-runtime.%s.amazonaws.com\r\n"
					 "Content-Type: %s\r\n"
					 "Accept: %s\r\n"
					 "Authorization: AWS4-HMAC-SHA256 Credential=%s/20260101/%s/bedrock/aws4_request, SignedHeaders=host, Signature=0\r\n"
					 "Content-Length: %zu\r\n\r\n",
					 default_region, content_type, accept_type, bedrock_access_key, default_region, size);
	appendBinaryStringInfo(&request, model_input, size);

	service = (Service) {"Bedrock", MODEL_CONNECT_TIMEOUT_MS, MODEL_REQUEST_TIMEOUT_MS, LARGEST_BODY};
	exchange(&request, &reply);
	if (reply.status >= 300)
		fail_service(&reply);
	if (reply.body.len == 0)
		fail_client(SAID_NOTHING);
	PG_RETURN_TEXT_P(cstring_to_text_with_len(reply.body.data, reply.body.len));
}
