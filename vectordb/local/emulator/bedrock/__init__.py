"""Amazon Bedrock's InvokeModel for text embedding models, with word vectors that mean something.

Amazon Titan Text Embeddings V1 and V2, Cohere Embed English v3, Multilingual v3 and v4: requests, answers, limits and
refusals of each. Behind all of them is one small model, wordllama's: the mean of 256-dimensional token vectors, from its
wheel. It is carried to other dimensions by maps that keep every cosine, so a search here ranks as the small model does,
whatever the dimension.

Left out: every other model and operation (streaming, Converse, images); the models' own quality: word order
does not count, and Cohere's input types make no difference; two models give one text the same vector at one dimension,
where on AWS vectors of different models must not be mixed; token counts are this tokenizer's; quotas.
"""
