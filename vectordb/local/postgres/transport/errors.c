/*
 * The two errors of aws_lambda, worded as AWS documents them:
 * https://docs.aws.amazon.com/AmazonRDS/latest/AuroraUserGuide/PostgreSQL-Lambda-errors.html
 * Those of aws_ml are documented nowhere; that they have the form of the first is unverified.
 *
 * The page gives no SQLSTATE. Those here are choices, unverified against AWS: 08006 the service was not reached or its reply is broken,
 * 39000 the service refused the invocation, 38000 the function itself failed.
 */
#include "aws_lambda.h"

#include "fmgr.h"
#include "mb/pg_wchar.h"
#include "nodes/miscnodes.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/jsonb.h"

#define LONGEST_MESSAGE 1000	/* bytes of a refusal that is not JSON */

void
fail_client(const char *said)
{
	ereport(ERROR,
			(errcode(ERRCODE_CONNECTION_FAILURE),
			 errmsg("invoke API failed"),
			 errdetail("AWS %s client returned '%s'.", service.client, said)));
}

/* The text of a key of a JSON object, or NULL when the body is anything else. */
static char *
json_text(const char *body, const char *key)
{
	ErrorSaveContext ignored = {T_ErrorSaveContext};
	Datum		parsed;
	Jsonb	   *document;
	JsonbValue *value;

	if (!DirectInputFunctionCallSafe(jsonb_in, pstrdup(body), InvalidOid, -1, (Node *) &ignored, &parsed))
		return NULL;
	document = DatumGetJsonbP(parsed);
	if (!JB_ROOT_IS_OBJECT(document))
		return NULL;
	value = getKeyJsonValueFromContainer(&document->root, key, strlen(key), NULL);
	if (value == NULL || value->type != jbvString)
		return NULL;
	return pnstrdup(value->val.string.val, value->val.string.len);
}

void
fail_service(const HttpReply *reply)
{
	char	   *said = json_text(reply->body.data, "Message");

	if (said == NULL)
		said = json_text(reply->body.data, "message");
	if (said == NULL && reply->body.len > 0)
		said = pnstrdup(reply->body.data, pg_mbcliplen(reply->body.data, reply->body.len, LONGEST_MESSAGE));
	if (said == NULL)
		said = psprintf("HTTP status %d", reply->status);
	ereport(ERROR,
			(errcode(ERRCODE_EXTERNAL_ROUTINE_INVOCATION_EXCEPTION),
			 errmsg("invoke API failed"),
			 errdetail("AWS %s client returned '%s'.", service.client, said)));
}

void
fail_function(const char *function_name, const char *kind, const HttpReply *reply)
{
	ereport(ERROR,
			(errcode(ERRCODE_EXTERNAL_ROUTINE_EXCEPTION),
			 errmsg("lambda invocation failed"),
			 errdetail("\"%s\" returned error \"%s\", details: \"%s\".", function_name, kind, reply->body.data)));
}
