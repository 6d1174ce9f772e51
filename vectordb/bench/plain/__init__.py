"""The other side: a bridge in the shape of AWS's sample (aws-samples/sample-rds-lambda-s3vector-integration), written anew.

What makes the shape: a new boto3 client for each call, vectors as float8 text in JSON, jsonb on the way to the function, rows
put together one by one in PL/pgSQL, the configuration read from a table in each call, one call for each query. The sample's
mistakes are not repeated here (region, `found`, tokens): it is to give the same rows.
"""
