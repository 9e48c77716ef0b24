import ca.uhn.fhir.context.FhirContext;
import ca.uhn.fhir.rest.annotation.OptionalParam;
import ca.uhn.fhir.rest.annotation.Search;
import ca.uhn.fhir.rest.annotation.Transaction;
import ca.uhn.fhir.rest.annotation.TransactionParam;
import ca.uhn.fhir.rest.annotation.Update;
import ca.uhn.fhir.rest.annotation.ConditionalUrlParam;
import ca.uhn.fhir.rest.annotation.ResourceParam;
import ca.uhn.fhir.rest.api.MethodOutcome;
import ca.uhn.fhir.rest.api.server.RequestDetails;
import ca.uhn.fhir.rest.api.server.IBundleProvider;
import ca.uhn.fhir.rest.param.DateParam;
import ca.uhn.fhir.rest.param.DateRangeParam;
import ca.uhn.fhir.rest.param.TokenParam;
import ca.uhn.fhir.rest.server.FifoMemoryPagingProvider;
import ca.uhn.fhir.rest.server.HardcodedServerAddressStrategy;
import ca.uhn.fhir.rest.server.RestfulServer;
import ca.uhn.fhir.rest.server.SimpleBundleProvider;
import ca.uhn.fhir.rest.server.exceptions.InvalidRequestException;
import ca.uhn.fhir.rest.server.exceptions.ResourceVersionConflictException;
import ca.uhn.fhir.rest.server.provider.HashMapResourceProvider;
import ca.uhn.fhir.util.FhirTerser;
import ca.uhn.fhir.util.ResourceReferenceInfo;
import jakarta.servlet.ServletException;
import java.util.ArrayList;
import java.util.Date;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import org.eclipse.jetty.ee10.servlet.ServletContextHandler;
import org.eclipse.jetty.ee10.servlet.ServletHolder;
import org.eclipse.jetty.server.Server;
import org.eclipse.jetty.server.ServerConnector;
import org.hl7.fhir.instance.model.api.IBase;
import org.hl7.fhir.instance.model.api.IBaseResource;
import org.hl7.fhir.r4.model.Bundle;
import org.hl7.fhir.r4.model.CarePlan;
import org.hl7.fhir.r4.model.Communication;
import org.hl7.fhir.r4.model.DocumentReference;
import org.hl7.fhir.r4.model.Goal;
import org.hl7.fhir.r4.model.Identifier;
import org.hl7.fhir.r4.model.Patient;
import org.hl7.fhir.r4.model.Reference;
import org.hl7.fhir.r4.model.Resource;
import org.hl7.fhir.r4.model.ServiceRequest;
import org.hl7.fhir.r4.model.Task;

/** HAPI FHIR's server with resources in memory: its own HTTP, parsing, paging, versions. Prints its address. */
public class FhirServer {

  /** HAPI's in-memory resources, found by what pollers and search-before-create ask. */
  public static class Resources<T extends Resource> extends HashMapResourceProvider<T> {
    private final FhirTerser terser;

    public Resources(FhirContext context, Class<T> type) {
      super(context, type);
      terser = context.newTerser();
    }

    @Search
    public synchronized List<IBaseResource> find(
        @OptionalParam(name = "identifier") TokenParam identifier,
        @OptionalParam(name = "patient") TokenParam patient,
        @OptionalParam(name = "code") TokenParam code,
        @OptionalParam(name = "_lastUpdated") DateRangeParam updated) {
      List<IBaseResource> found = new ArrayList<>();
      for (T one : getAllResources()) {
        if (identified(one, identifier) && about(one, patient) && coded(one, code) && within(one, updated)) {
          found.add(one);
        }
      }
      return found;
    }

    /** HAPI comes here for searches by nothing but time, which its own would answer with everything. */
    @Override
    public synchronized IBundleProvider searchAll(RequestDetails request) {
      DateRangeParam range = new DateRangeParam();
      String[] asked = request.getParameters().getOrDefault("_lastUpdated", new String[0]);
      for (String one : asked) {
        DateParam bound = new DateParam(one);
        if (one.startsWith("g")) range.setLowerBound(bound);
        else range.setUpperBound(bound);
      }
      return new SimpleBundleProvider(find(null, null, null, range));
    }

    /** A stale If-Match is refused: HAPI hands its version on in the id. */
    @Override
    @Update
    public synchronized MethodOutcome update(
        @ResourceParam T resource, @ConditionalUrlParam String condition, RequestDetails request) {
      String wanted = request.getHeader("If-Match");
      var versions = myIdToVersionToResourceMap.get(resource.getIdElement().getIdPart());
      if (wanted != null && versions != null && !wanted.equals("W/\"" + versions.lastKey() + "\"")) {
        throw new ResourceVersionConflictException("stale");
      }
      resource.getMeta().setLastUpdated(new Date());
      return super.update(resource, condition, request);
    }

    /** The current version of a resource; null when there is none. */
    synchronized T current(String id) {
      var versions = myIdToVersionToResourceMap.get(id);
      return versions == null || versions.isEmpty() ? null : versions.lastEntry().getValue();
    }

    private boolean identified(T one, TokenParam wanted) {
      if (wanted == null) return true;
      for (IBase value : terser.getValues(one, "identifier")) {
        Identifier held = (Identifier) value;
        boolean system = wanted.getSystem() == null || wanted.getSystem().equals(held.getSystem());
        if (system && wanted.getValue().equals(held.getValue())) return true;
      }
      return false;
    }

    private boolean about(T one, TokenParam wanted) {
      if (wanted == null) return true;
      for (String path : List.of("subject", "for", "patient")) {
        if (getFhirContext().getResourceDefinition(one).getChildByName(path) == null) continue;
        for (IBase value : terser.getValues(one, path)) {
          String id = ((Reference) value).getReferenceElement().getIdPart();
          if (wanted.getValue().replace("Patient/", "").equals(id)) return true;
        }
      }
      return false;
    }

    private boolean coded(T one, TokenParam wanted) {
      if (wanted == null) return true;
      return one instanceof Task task
          && task.getCode().getCoding().stream().anyMatch(coding -> wanted.getValue().equals(coding.getCode()));
    }

    private boolean within(T one, DateRangeParam range) {
      if (range == null) return true;
      Date at = one.getMeta().getLastUpdated();
      if (at == null) return false;
      Date low = range.getLowerBoundAsInstant();
      Date high = range.getUpperBoundAsInstant();
      return (low == null || !at.before(low)) && (high == null || !at.after(high));
    }
  }

  /** Batches of updates by id, which HAPI leaves to whoever keeps the resources; it reads and writes the Bundles. */
  public static class Batches {
    private final Map<String, Resources<?>> kept;

    public Batches(List<Resources<?>> providers) {
      kept = providers.stream().collect(Collectors.toMap(one -> one.getResourceType().getSimpleName(), one -> one));
    }

    @Transaction
    public synchronized Bundle batch(@TransactionParam Bundle sent, RequestDetails request) {
      if (sent.getType() != Bundle.BundleType.BATCH) throw new InvalidRequestException("only batches are taken");
      Bundle answer = new Bundle().setType(Bundle.BundleType.BATCHRESPONSE);
      List<Bundle.BundleEntryComponent> lost =
          sent.getEntry().stream().filter(entry -> lost(entry.getResource())).toList();
      for (Bundle.BundleEntryComponent entry : sent.getEntry()) {
        var said = answer.addEntry().getResponse();
        if (lost.contains(entry)) {
          said.setStatus("422 Unprocessable Entity");
          continue;
        }
        MethodOutcome outcome = put(kept.get(entry.getResource().fhirType()), entry, request);
        said.setStatus(Boolean.TRUE.equals(outcome.getCreated()) ? "201 Created" : "200 OK");
        said.setLocation(outcome.getId().toUnqualified().getValue());
      }
      return answer;
    }

    @SuppressWarnings("unchecked")
    private <T extends Resource> MethodOutcome put(
        Resources<T> provider, Bundle.BundleEntryComponent entry, RequestDetails request) {
      entry.getResource().setId(entry.getRequest().getUrl());
      return provider.update((T) entry.getResource(), null, request);
    }

    /** Whether the resource refers to one that is not here: entries of a batch are in no order, none helps another. */
    private boolean lost(Resource resource) {
      for (ResourceReferenceInfo one : context.newTerser().getAllResourceReferences(resource)) {
        var id = one.getResourceReference().getReferenceElement();
        if (id.isAbsolute() || !id.hasIdPart()) continue;
        Resources<?> provider = kept.get(id.getResourceType());
        if (provider == null || provider.current(id.getIdPart()) == null) return true;
      }
      return false;
    }
  }

  private static FhirContext context;

  public static void main(String[] arguments) throws Exception {
    context = FhirContext.forR4();
    RestfulServer fhir =
        new RestfulServer(context) {
          @Override
          protected void initialize() throws ServletException {
            List<Resources<?>> resources = List.of(
                new Resources<>(context, Patient.class),
                new Resources<>(context, ServiceRequest.class),
                new Resources<>(context, Task.class),
                new Resources<>(context, CarePlan.class),
                new Resources<>(context, Goal.class),
                new Resources<>(context, DocumentReference.class),
                new Resources<>(context, Communication.class));
            registerProviders(resources);
            registerProvider(new Batches(resources));
            FifoMemoryPagingProvider pages = new FifoMemoryPagingProvider(50);
            pages.setDefaultPageSize(3);
            pages.setMaximumPageSize(3);
            setPagingProvider(pages);
          }
        };
    Server server = new Server();
    ServerConnector connector = new ServerConnector(server);
    connector.setHost("127.0.0.1");
    connector.setPort(0);
    server.addConnector(connector);
    ServletContextHandler handler = new ServletContextHandler("/");
    handler.addServlet(new ServletHolder(fhir), "/fhir/*");
    server.setHandler(handler);
    server.start();
    String address = "http://127.0.0.1:" + connector.getLocalPort() + "/fhir";
    fhir.setServerAddressStrategy(new HardcodedServerAddressStrategy(address));
    System.out.println(address);
    System.out.flush();
    System.in.read(); // until whoever started it goes away
    System.exit(0);
  }
}
