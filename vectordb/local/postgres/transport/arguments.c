/* What the arguments of both functions have in common. */
#include "aws_lambda.h"

#include <ctype.h>

void
refuse(const char *what, const char *given)
{
	ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("invalid %s: \"%s\"", what, given)));
}

/* Nothing but letters, digits and `also`: the value goes into a header or a URL. */
void
check_characters(const char *what, const char *value, const char *also)
{
	if (*value == '\0')
		refuse(what, value);
	for (const char *at = value; *at; at++)
		if (!isalnum((unsigned char) *at) && strchr(also, *at) == NULL)
			refuse(what, value);
}

void
append_url_encoded(StringInfo into, const char *text)
{
	for (; *text; text++)
		if (isalnum((unsigned char) *text) || strchr("-_.~", *text) != NULL)
			appendStringInfoChar(into, *text);
		else
			appendStringInfo(into, "%%%02X", (unsigned char) *text);
}
