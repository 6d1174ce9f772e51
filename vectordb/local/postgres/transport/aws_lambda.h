/*
 * A stand-in for the native halves of Amazon RDS's aws_lambda and Aurora's aws_ml extensions: a synchronous HTTP client for Lambda's
 * Invoke and Bedrock's InvokeModel operation that a statement timeout or a cancel request interrupts.
 */
#ifndef AWS_LAMBDA_H
#define AWS_LAMBDA_H

#include "postgres.h"

#include "lib/stringinfo.h"

/* PostgreSQL's own spelling of it changed in 18. */
#define NORETURN __attribute__((noreturn))

/*
 * The largest request and response of a synchronous invocation, in bytes, and of an asynchronous one.
 * https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
 */
#define LARGEST_REQUEST 6291456
#define LARGEST_EVENT 1048576
#define LARGEST_RESPONSE 6291556

/* settings.c: the settings of the same names */
extern int connect_timeout_ms;
extern int request_timeout_ms;
extern char *endpoint_override;
extern char *default_region;
extern char *access_key;
extern char *bedrock_access_key;

/* The service that the request under way is for: whoever builds a request sets all of it first. */
typedef struct Service
{
	const char *client;			/* as errors name it, after AWS */
	int			connect_timeout_ms;
	int			request_timeout_ms;
	int			largest_response;	/* in bytes */
} Service;
extern Service service;

/* cron_settings.c */
extern void define_cron_settings(void);

/* An HTTP reply whose framing was sound. `head` is the status line and the headers, each line ended by CRLF, the last one too. */
typedef struct HttpReply
{
	int			status;
	StringInfoData head;
	StringInfoData body;
	bool		reusable;		/* the server keeps the connection open */
} HttpReply;

/* connection.c */
typedef struct Connection Connection;
extern void exchange(const StringInfoData *request, HttpReply *reply);
extern bool receive_more(Connection *connection);

/* arguments.c */
NORETURN extern void refuse(const char *what, const char *given);
extern void check_characters(const char *what, const char *value, const char *also);
extern void append_url_encoded(StringInfo into, const char *text);

/* reply.c */
extern void read_reply(Connection *connection, StringInfo in, HttpReply *reply);
extern char *header_value(const HttpReply *reply, const char *name);

/* function_name.c */
typedef struct FunctionName
{
	char	   *region;			/* of the ARN, or NULL */
	char	   *qualifier;		/* at the end of the name, or NULL */
} FunctionName;
extern void parse_function_name(const char *given, FunctionName *parsed);

/* errors.c */
NORETURN extern void fail_client(const char *said);
NORETURN extern void fail_service(const HttpReply *reply);
NORETURN extern void fail_function(const char *function_name, const char *kind, const HttpReply *reply);

/* What the client says, in curl's words, which the AWS SDK for C++ passes on. All but the first are unverified against AWS. */
#define SAID_CANNOT_CONNECT "Unable to connect to endpoint"
#define SAID_WEIRD_REPLY "curlCode: 8, Weird server reply"
#define SAID_PARTIAL "curlCode: 18, Transferred a partial file"
#define SAID_TIMEOUT "curlCode: 28, Timeout was reached"
#define SAID_NOTHING "curlCode: 52, Server returned nothing (no headers, no data)"
#define SAID_TOO_LARGE "curlCode: 63, Maximum file size exceeded"

#endif
