"""The isolated network: VPC, subnets, access lists, endpoints, flows between security groups."""
