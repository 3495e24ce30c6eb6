"""What the clouds' providers say when they refuse, as it was found, and the line that is made of it.

Each row: the fact, where the words are from, the message, the line. A number after a repository is a thread of its.
"""

from __future__ import annotations

EXISTS = "exists already: choose another 'name', delete it, or take it over with `pulumi import`"
QUOTAS = "https://console.cloud.google.com/iam-admin/quotas"
LOGIN = "run `gcloud auth application-default login`"
BRIDGE = "1 error occurred:\n\t* "
"""How Pulumi's bridge begins what a Terraform provider returned."""
COLOUR = "\x1b[31m[ERROR]\x1b[0m terraform-provider-alicloud/alicloud/"
"""How Alibaba Cloud's provider begins, colours and all: `ComplexError.Error` in its errors.go."""
SOURCE = "terraform-provider-alicloud/alicloud/errors.go; tea's SDKError.Error"


def sdk(resource: str, action: str, code: str, message: str, status: int = 400) -> str:
    """An error of Alibaba Cloud's provider: `WrapErrorf(err, DefaultErrorMsg, ...)` around tea's SDKError."""
    wrapped = f"Resource {resource} {action} Failed!!! [SDK alibaba-cloud-sdk-go ERROR]"
    inner = f"SDKError:\n   StatusCode: {status}\n   Code: {code}\n   Message: {message}\n   Data: {{}}\n"
    return f"{BRIDGE}{COLOUR}resource_{resource}.go:757: {wrapped}:\n{inner}"


GOOGLE: list[tuple[str, str, str, str]] = [
    (
        "a cluster that exists already",
        "the 409 of container.clusters.create as the API words it; no thread has it whole",
        BRIDGE + "googleapi: Error 409: Already exists: projects/demo-project/zones/europe-west1-b/clusters/demo.\n"
        'Details:\n[\n  {\n    "@type": "type.googleapis.com/google.rpc.RequestInfo",\n    "requestId": "0x1"\n  }\n]\n'
        ", alreadyExists",
        f"projects/demo-project/zones/europe-west1-b/clusters/demo {EXISTS}",
    ),
    (
        "a network that exists already",
        "pulumi/pulumi-gcp#681",
        BRIDGE + "Error creating Network: googleapi: Error 409: The resource "
        "'projects/demo-project/global/networks/demo' already exists, alreadyExists",
        f"projects/demo-project/global/networks/demo {EXISTS}",
    ),
    (
        "an account that exists already",
        "the 409 of iam.serviceAccounts.create as the API words it; no thread has it whole",
        BRIDGE
        + "Error creating service account: googleapi: Error 409: Service account demo-nodes already exists within "
        "project projects/demo-project., alreadyExists",
        f"projects/demo-project/serviceAccounts/demo-nodes {EXISTS}",
    ),
    (
        "no quota for the machines",
        "kaiwaehner/hivemq-mqtt-tensorflow-kafka-realtime-iot-machine-learning-training-inference#48",
        BRIDGE
        + "error creating NodePool: googleapi: Error 403: \n\t(1) insufficient regional quota to satisfy request: "
        "resource \"CPUS\": request requires '72.0' and is short '48.0'. project has a quota of '24.0' with '24.0' "
        "available. View and manage quotas at https://console.cloud.google.com/iam-admin/quotas?usage=USED&project=p.\n\t"
        "(2) insufficient regional quota to satisfy request: resource \"IN_USE_ADDRESSES\": request requires '9.0' and is "
        "short '1.0'. project has a quota of '8.0' with '8.0' available., forbidden",
        (
            "Google Cloud has no quota left (CPUS 72.0 asked, short by 48.0, IN_USE_ADDRESSES 9.0 asked, short by 1.0): make "
            f"'nodes' smaller, or ask for more at {QUOTAS}"
        ),
    ),
    (
        "no quota, in capitals",
        "terraform-google-modules/terraform-google-kubernetes-engine#1795",
        (
            "Insufficient regional quota to satisfy request: resource \"SSD_TOTAL_GB\": request requires '300.0' and is short "
            "'50.0'. project has a quota of '250.0' with '250.0' available. View and manage quotas at "
            "https://console.cloud.google.com/iam-admin/quotas?usage=USED&project=p. googleapi"
        ),
        (
            "Google Cloud has no quota left (SSD_TOTAL_GB 300.0 asked, short by 50.0): make 'nodes' smaller, or ask for more "
            f"at {QUOTAS}"
        ),
    ),
    (
        "no quota for a network",
        "fortinet/fortigate-tutorial-gcp#9",
        BRIDGE
        + "Error waiting to create Network: Error waiting for Creating Network: Quota 'NETWORKS' exceeded.  Limit: "
        "5.0 globally.\n\tmetric name = compute.googleapis.com/networks\n\tlimit name = NETWORKS-per-project",
        f"Google Cloud has no quota left (NETWORKS, limit 5.0 globally): make 'nodes' smaller, or ask for more at {QUOTAS}",
    ),
    (
        "an API that is not enabled",
        "googleapis' 403 SERVICE_DISABLED; opstrace/opstrace#128 has it for another API",
        BRIDGE
        + "googleapi: Error 403: Kubernetes Engine API has not been used in project 540196616614 before or it is "
        "disabled. Enable it by visiting https://console.developers.google.com/apis/api/container.googleapis.com/overview"
        "?project=540196616614 then retry. If you enabled this API recently, wait a few minutes for the action to "
        "propagate to our systems and retry., accessNotConfigured",
        (
            "the API container.googleapis.com is not enabled: set 'enable_api: true', or run `gcloud services enable "
            "container.googleapis.com`"
        ),
    ),
    (
        "an API that is not enabled, in other words",
        "jenkins-x/terraform-google-jx#115",
        (
            "googleapi: Error 403: Kubernetes Engine API is not enabled for this project. Please ensure it is enabled in Google "
            "Cloud Console and try again: visit https://console.cloud.google.com/apis/api/container.googleapis.com/overview"
            "?project=p to do so., forbidden"
        ),
        (
            "the API container.googleapis.com is not enabled: set 'enable_api: true', or run `gcloud services enable "
            "container.googleapis.com`"
        ),
    ),
    (
        "an API that is not enabled, behind another one",
        "pulumi/examples#899",
        BRIDGE + "googleapi: Error 400: Failed precondition when calling the ServiceConsumerManager: tenantmanager::1: "
        "Consumer 1 should enable service:container.googleapis.com before generating a service account., failedPrecondition",
        (
            "the API container.googleapis.com is not enabled: set 'enable_api: true', or run `gcloud services enable "
            "container.googleapis.com`"
        ),
    ),
    (
        "a permission that is missing",
        "pulumi/examples#150",
        BRIDGE
        + 'googleapi: Error 403: Required "container.clusters.create" permission(s) for "projects/demo-project"., '
        "forbidden",
        (
            "Google Cloud refused: the permission container.clusters.create on projects/demo-project is missing: ask for a "
            "role that has it"
        ),
    ),
    (
        "a permission of Compute Engine that is missing",
        "hashicorp/terraform-provider-google#8262",
        (
            "googleapi: Error 403: Google Compute Engine: Required 'compute.networks.get' permission for "
            "'projects/demo-project/global/networks/demo', forbidden"
        ),
        (
            "Google Cloud refused: the permission compute.networks.get on projects/demo-project/global/networks/demo is "
            "missing: ask for a role that has it"
        ),
    ),
    (
        "a location that is none",
        "GoogleCloudPlatform/healthcare#475",
        BRIDGE
        + "googleapi: Error 403: Permission denied on 'locations/europe-west99' (or it may not exist)., forbidden",
        "Google Cloud has no location europe-west99 for this project: check 'location'",
    ),
    (
        "a project that is none",
        "the 403 CONSUMER_INVALID as the API words it; no thread has it whole",
        BRIDGE + "googleapi: Error 403: Permission denied on resource project demo-projcet.\nDetails:\n[]\n, forbidden",
        "the project demo-projcet is not there, or not for you: check 'project'",
    ),
    (
        "credentials that are missing",
        "pulumi/pulumi#3482",
        (
            "google: could not find default credentials. See https://developers.google.com/accounts/docs/application-default-"
            "credentials for more information."
        ),
        f"no credentials of Google were found: {LOGIN}",
    ),
    (
        "credentials that have expired",
        "golang.org/x/oauth2's RetrieveError around Google's answer; no thread has it whole",
        (
            'Get "https://container.googleapis.com/v1/projects/p": oauth2: "invalid_grant" "reauth related error '
            '(invalid_rapt)" "https://support.google.com/a/answer/9368756"'
        ),
        f"Google's credentials have expired: {LOGIN}",
    ),
    (
        "whatever else Google says",
        "terraform-google-modules/terraform-google-kubernetes-engine#1745",
        (
            "googleapi: Error 403: You cannot create more than 3 clusters in location us-central1; to create more than 3, you "
            "must request an increase of your Google Compute Engine quota for region us-central1 to 25 CPUs or more., forbidden"
        ),
        (
            "Google Cloud refused (403): You cannot create more than 3 clusters in location us-central1; to create more than "
            "3, you must request an increase of your Google Compute Engine quota for region us-central1 to 25 CPUs or more."
        ),
    ),
]

ALIBABA: list[tuple[str, str, str, str]] = [
    (
        "a cluster that exists already",
        f"{SOURCE}; its ErrorClusterNameAlreadyExist",
        sdk(
            "alicloud_cs_managed_kubernetes",
            "CreateCluster",
            "ErrorClusterNameAlreadyExist",
            "cluster name already exist",
        ),
        f"Alibaba Cloud refused CreateCluster (ErrorClusterNameAlreadyExist): that name {EXISTS}",
    ),
    (
        "a mesh that exists already",
        f"{SOURCE}; resource_alicloud_service_mesh_service_mesh.go asks for NameAlreadyExist, until its time is up",
        sdk("alicloud_service_mesh_service_mesh", "CreateServiceMesh", "NameAlreadyExist", "the name already exists"),
        f"Alibaba Cloud refused CreateServiceMesh (NameAlreadyExist): that name {EXISTS}",
    ),
    (
        "no quota for a VPC",
        f"{SOURCE}; its VpcQuotaExceeded",
        sdk("alicloud_vpc", "CreateVpc", "QuotaExceeded.Vpc", "code: 400, VPC quota exceeded. request id: A-1"),
        (
            "Alibaba Cloud refused CreateVpc (QuotaExceeded.Vpc): no quota is left: make 'nodes' smaller, or ask for more at "
            "https://quotas.console.aliyun.com"
        ),
    ),
    (
        "no quota for machines",
        "glasslion/aliyun-machine-learning-for-dummies#3, in the shape of alibaba-cloud-sdk-go",
        (
            "SDK.ServerError\nErrorCode: QuotaExceed.AfterpayInstance\nRecommend: \nRequestId: E2F5\nMessage: The maximum number "
            "of Pay-As-You-Go instances is exceeded: create ecs vcpu quota per region limited by user quota [0]."
        ),
        (
            "Alibaba Cloud refused (QuotaExceed.AfterpayInstance): no quota is left: make 'nodes' smaller, or ask for more at "
            "https://quotas.console.aliyun.com"
        ),
    ),
    (
        "a permission that is missing",
        "alibaba/terraform-provider#182, in tea's shape",
        sdk(
            "alicloud_vswitch",
            "CreateVSwitch",
            "Forbidden.RAM",
            "code: 403, User not authorized to operate on the specified resource, or this API doesn't support RAM.",
            403,
        ),
        "Alibaba Cloud refused CreateVSwitch (Forbidden.RAM): the RAM policy for it is missing: attach one that allows it",
    ),
    (
        "an access key that is none",
        "kubernetes-sigs/alibaba-cloud-csi-driver#722",
        (
            "SDK.ServerError\nErrorCode: InvalidAccessKeyId.NotFound\nRecommend: https://next.api.aliyun.com/troubleshoot\n"
            "RequestId: 3B9EA20D\nMessage: Specified access key is not found."
        ),
        (
            "Alibaba Cloud refused (InvalidAccessKeyId.NotFound): the credentials are not valid: make a new access key, or log "
            "in again"
        ),
    ),
    (
        "roles that ACK has not been given",
        "cloud-barista/cb-spider#1407, in tea's shape",
        sdk(
            "alicloud_cs_managed_kubernetes",
            "CreateCluster",
            "ErrManagedAddonRoleNotAttach",
            "please complete the role",
        ),
        (
            "Alibaba Cloud refused CreateCluster (ErrManagedAddonRoleNotAttach): the account has not given ACK its roles: "
            "authorize it once at https://cs.console.aliyun.com"
        ),
    ),
    (
        "a role that is missing, in one error within another",
        "aliyun/terraform-provider-alicloud#149 and #2738",
        (
            "Error: [ERROR] terraform-provider-alicloud/alicloud/resource_alicloud_cs_managed_kubernetes.go:686: Resource "
            "alicloud_cs_managed_kubernetes CreateKubernetesCluster Failed!!! %!s(*cs.ClusterCommonResponse=<nil>):\nAliyun API "
            "Error: RequestId: 1E76 Status Code: 400 Code: 400 Message: Aliyun API Error: RequestId: A1CE Status Code: 404 Code: "
            "EntityNotExist.Role Message: The role not exists: acs:ram::5148:role/aliyuncsdefaultrole."
        ),
        (
            "Alibaba Cloud refused CreateKubernetesCluster (EntityNotExist.Role): the account has not given ACK its roles: "
            "authorize it once at https://cs.console.aliyun.com"
        ),
    ),
    (
        "credentials that are missing",
        "terraform-provider-alicloud/alicloud/provider.go, providerConfigure",
        (
            "configuring Terraform Alibaba Cloud Provider: no valid credential sources for Terraform Alibaba Cloud Provider "
            "found.\n\nPlease see https://registry.terraform.io/providers/aliyun/alicloud/latest/docs#authentication\nfor more "
            "information about providing credentials."
        ),
        "no credentials of Alibaba Cloud were found: set ALIBABA_CLOUD_ACCESS_KEY_ID and ALIBABA_CLOUD_ACCESS_KEY_SECRET",
    ),
    (
        "whatever else Alibaba Cloud says",
        SOURCE,
        sdk("alicloud_vpc", "CreateVpc", "InvalidCidrBlock.Overlapped", "code: 400, It is in use. request id: 7B-9"),
        "Alibaba Cloud refused CreateVpc (InvalidCidrBlock.Overlapped): It is in use",
    ),
]

OTHERS: list[tuple[str, str, str, str]] = [
    (
        "a plugin that is missing",
        "pulumi/examples#1533",
        (
            "configured Kubernetes cluster is unreachable: unable to load schema information from the API server: Get "
            '"https://34.118.0.1/openapi/v2?timeout=32s": getting credentials: exec: executable gke-gcloud-auth-plugin not '
            "found\n\nIt looks like you are trying to use a client-go credential plugin that is not installed."
        ),
        "gke-gcloud-auth-plugin is not on PATH, and the cluster cannot be reached without it: install it",
    ),
    (
        "a plugin that is missing, in Go's words",
        "litmuschaos/github-chaos-actions#25",
        'Unable to connect to the server: getting credentials: exec: exec: "ack-ram-tool": executable file not found in $PATH',
        "ack-ram-tool is not on PATH, and the cluster cannot be reached without it: install it",
    ),
    (
        "a cluster that is protected",
        "Pulumi's engine, pkg/resource/deploy/step_generator.go",
        (
            'Preview failed: resource "urn:pulumi:dev::weighbridge::weighbridge:index:GkeCluster$gcp:container/cluster:Cluster::'
            'cluster-gke" cannot be deleted\nbecause it is protected. To unprotect the resource, either remove the `protect` flag '
            "from the resource in your Pulumi program and run `pulumi up`, or use the command:\n`pulumi state unprotect 'urn'`"
        ),
        "cluster-gke is protected: set 'protect: false' in its section, run `up`, and then delete it",
    ),
    (
        "a cluster that is protected, and that a change of its settings would make anew",
        "Pulumi's engine, seen with 3.260 and a dynamic resource whose diff replaces",
        (
            'unable to replace resource "urn:pulumi:dev::weighbridge::weighbridge:index:GkeCluster$gcp:container/cluster:Cluster::'
            'cluster-gke"\nas it is currently marked for protection. To unprotect the resource, remove the `protect` flag from '
            "the resource in your Pulumi program and run `pulumi up`"
        ),
        (
            "cluster-gke would be deleted and made anew by this change, and is protected: take the change back; or set "
            "'protect: false' in its section, and lose what is in it"
        ),
    ),
    (
        "a mesh that a cluster is still in",
        "aliyun/terraform-provider-alicloud#5259",
        (
            "[ERROR] terraform-provider-alicloud/alicloud/resource_alicloud_service_mesh_service_mesh.go:1098: Resource c2e2b303 "
            "DeleteServiceMesh Failed!!! [SDK alibaba-cloud-sdk-go ERROR]:\nSDKError:\n   StatusCode: 400\n"
            "   Code: ErrorPermitted.ClustersNotEmpty\n   Message: code: 400, the clusters should be removed from it before "
            "the mesh instance is deleted request id: 2A6FDCDE\n"
        ),
        (
            "Alibaba Cloud refused DeleteServiceMesh (ErrorPermitted.ClustersNotEmpty): the cluster is still in the mesh: set "
            "'joined: false' in 'mesh', run `up`, then delete it"
        ),
    ),
]

NOT_OURS = [
    "Deployment test/podinfo: not rolled out in time, 1 of 2 ready (ImagePullBackOff)",
    "podinfo: halt, success rate 69.17% < 99% (n=1204, 5m)",
    "weighbridge:cluster: 'kind' must be one of existing, gke, ack, stack (got 'eks')",
    "weighbridge:cluster: no credentials of Google were found: run `gcloud auth application-default login`",
    "the project's file gcr.io/google/x was not found in the registry",
    "RuntimeError: Quota of patience exceeded",
    'pods "x" is forbidden: exceeded quota: compute, requested: cpu=2, used: cpu=4, limited: cpu=4',
    "",
]
